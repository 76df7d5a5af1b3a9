/**
 * clamd as a process of the platform: starts it, says when it is ready, and ends when it ends.
 * In the environment: FOLDER, PORT, MAX_SCAN_BYTES (bytes), THREADS, CLAMAV_DATABASE_DIR (optional).
 */
import { startClamd } from './clamd.ts';

const { FOLDER = '', PORT, MAX_SCAN_BYTES, THREADS } = process.env;

try {
  const clamd = await startClamd({
    folder: FOLDER,
    port: Number(PORT),
    maxScanBytes: Number(MAX_SCAN_BYTES),
    threads: Number(THREADS),
  });
  for (const event of ['SIGTERM', 'disconnect'] as const) process.once(event, () => void clamd.stop());
  clamd.onExit(({ reason, expected }) => {
    if (!expected) console.error(`clamd ended: ${reason}`);
    process.exit(expected ? 0 : 1);
  });
  process.send?.({ ready: true, development: clamd.development });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
