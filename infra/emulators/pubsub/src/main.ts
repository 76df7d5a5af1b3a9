#!/usr/bin/env node
import { parseIam } from '../../common/iam/emulated-iam.ts';
import { parseLatency } from '../../common/latency/latency.ts';
import { startPubSubEmulator } from './emulator.ts';

const USAGE = `Usage: pubsub-emulator [PORT]     options are environment variables

PORT     where to listen on 127.0.0.1; 8085; 0 takes a free one
LATENCY  off, google-cloud or flat, with a seed as in google-cloud:42; off
IAM      permissions as JSON; without it, everybody may publish`;

/** Runs the emulator as a separate process until SIGTERM or SIGINT. */
async function main(): Promise<void> {
  if (process.argv.includes('--help')) {
    console.log(USAGE);
    return;
  }
  const given = process.argv[2] ?? process.env['PORT'] ?? '8085';
  const port = Number(given);
  if (!/^\d+$/.test(given) || port > 65_535)
    throw new Error(`pubsub: "${given}" is no port; usage: pubsub-emulator [PORT]`);
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
