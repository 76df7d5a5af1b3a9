#!/usr/bin/env node
/** The Cloud Storage emulator as a separate process; {@link USAGE}. A parent with an IPC channel is sent `{ready: true, url}`. */
import { startStorageEmulator } from './emulator.ts';
import { parseMainOptions, USAGE } from './main-options.ts';

if (process.argv.includes('--help')) {
  console.log(USAGE);
  process.exit(0);
}

try {
  const options = parseMainOptions(process.env, process.argv.slice(2));
  const emulator = await startStorageEmulator(options);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => void emulator.stop().then(() => process.exit(0)));
  }
  // A parent that was killed cannot say goodbye.
  if (process.channel !== undefined) process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  console.log(`Cloud Storage emulator ready at ${emulator.url}, data in ${options.folder}`);
  process.send?.({ ready: true, url: emulator.url });
} catch (error) {
  console.error(explain(error));
  process.exit(1);
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'EADDRINUSE') {
    const port = 'port' in error ? String(error.port) : '';
    return `Cloud Storage emulator: port ${port} is in use; choose another with PORT`;
  }
  return `Cloud Storage emulator: ${error.message}`;
}
