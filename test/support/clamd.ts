import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningClamd, startClamd } from '../../infra/local/clamav/clamd.ts';
import { ensureClamd } from '../../infra/local/clamav/install.ts';
import { type Clamd, type ClamdOptions, createClamd } from '../../shared/scanning/clamd.ts';
import { ScanFault } from '../../shared/scanning/verdict.ts';

/** Largest file that the shared clamd scans, in bytes. */
export const SHARED_MAX_BYTES = 200 * 2 ** 20;

let started: Promise<RunningClamd> | undefined;

/**
 * A real clamd with the production configuration and the development signatures, one for all the test files that
 * this process runs: no hook stops it, since a hook at the root belongs to one file where files run side by side. It is
 * killed when the process exits. The first call may have to install clamd.
 */
export async function sharedClamd(): Promise<RunningClamd> {
  started ??= start();
  return started;
}

/** A guarded client of it, with deadlines that no test should meet. */
export async function sharedScanner(options: Partial<ClamdOptions> = {}): Promise<Clamd> {
  const { host, port } = await sharedClamd();
  const deadlines = { connectTimeoutMs: 30_000, idleTimeoutMs: 60_000, totalTimeoutMs: 150_000 };
  return createClamd({ host, port, ...deadlines, ...options });
}

/**
 * clamd breaks the connection right behind its reply to a stream that is too large. Where a write notices first, in
 * about 1 of 100 such scans, Node drops the reply: nothing is known, and the scan is to be repeated.
 */
export async function untilConnected<T>(scan: () => Promise<T>, attempts = 5): Promise<T> {
  try {
    return await scan();
  } catch (error) {
    if (attempts > 1 && error instanceof ScanFault && error.code === 'connectionLost') {
      return untilConnected(scan, attempts - 1);
    }
    throw error;
  }
}

async function start(): Promise<RunningClamd> {
  await ensureClamd();
  const folder = await mkdtemp(join(tmpdir(), 'clamd-test-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return startClamd({ folder, maxScanBytes: SHARED_MAX_BYTES, threads: 2 });
}
