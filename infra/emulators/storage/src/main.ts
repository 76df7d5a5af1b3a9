/**
 * The Cloud Storage emulator as a process of its own.
 *
 * Options come from the environment or, with the same names, from the command line (`FOLDER=/tmp/gcs`):
 * FOLDER (required), PORT (4443), HOST (127.0.0.1), BUCKETS (`a,b`), NOTIFY (`bucket=url,bucket=url`),
 * MD5 (on; off makes uploads faster), BACKOFF_MS (`min-max` between deliveries of a notification; 1000-30000),
 * DELIVERIES (notifications delivered at a time; 16),
 * MUTATION_LIMIT (off; on refuses a second mutation of a name within a second),
 * LATENCY (off; a profile with or without a seed, as `google-cloud:42`),
 * IAM (who may do what, as JSON: `{"secret": "…", "administrator": "EMAIL", "grants": […]}`; absent, everybody may everything).
 * Prints one line when it is ready, and tells a parent with an IPC channel `{ready: true, url}`.
 */
import { startStorageEmulator } from './emulator.ts';
import { parseMainOptions } from './main-options.ts';

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
