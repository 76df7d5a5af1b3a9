import { parseIam } from '../../common/iam/emulated-iam.ts';
import { parseLatency } from '../../common/latency/latency.ts';
import { startPubSubEmulator } from './emulator.ts';

const usage = 'usage: node infra/emulators/pubsub/src/main.ts [port] (or PORT; 8085 by default)';

/** Runs the emulator as a process of its own until SIGTERM or SIGINT. */
async function main(): Promise<void> {
  const given = process.argv[2] ?? process.env['PORT'] ?? '8085';
  const port = Number(given);
  if (!/^\d+$/.test(given) || port > 65_535) throw new Error(`pubsub: "${given}" is no port; ${usage}`);
  const latency = parseLatency(process.env['LATENCY'] || 'off');
  const iam = process.env['IAM'];
  const emulator = await startPubSubEmulator({
    port,
    ...(latency && { latency }),
    ...(iam && { iam: parseIam(iam) }),
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    throw new Error(`pubsub: port ${port} is in use; set PORT to a free one`, { cause: error });
  });
  const stop = () => void emulator.stop().then(() => process.exit(0));
  process.once('SIGTERM', stop).once('SIGINT', stop);
  console.log(`pubsub: ready, PUBSUB_EMULATOR_HOST=${emulator.host}`);
  process.send?.({ ready: true, host: emulator.host });
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
