import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { sleep } from '../../backoff.ts';
import { isRunning } from '../../running.ts';
import { privateFolder } from './private-file.ts';

/** Milliseconds after which a lock counts as left behind: more than its holder's requests may take. */
const STALE_MS = 120_000;
const POLL_MS = 50;

/**
 * Does `work` in one process at a time. A lock that a process left behind when it died is broken.
 * @throws the reason of the signal while it waits, and what `work` throws
 */
export async function withLock<T>(path: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  await privateFolder(dirname(path));
  const mine = `${process.pid} ${randomUUID()}`;
  while (!(await take(path, mine))) {
    await breakStale(path);
    await sleep(POLL_MS, signal);
  }
  try {
    return await work();
  } finally {
    const held = await readFile(path, 'utf8').catch(() => undefined);
    if (held === mine) await rm(path, { force: true });
  }
}

/** A link appears with its content, or not at all. */
async function take(path: string, mine: string): Promise<boolean> {
  const own = `${path}.${randomUUID()}`;
  await writeFile(own, mine, { flag: 'wx', mode: 0o600 });
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}

async function breakStale(path: string): Promise<void> {
  const holder = await readFile(path, 'utf8').catch(() => undefined);
  const since = await stat(path).catch(() => undefined);
  if (holder === undefined || !since) return;
  const pid = Number(holder.split(' ')[0]);
  const isOwn = pid === process.pid;
  const isAlive = isOwn || isRunning(pid);
  if (isAlive && Date.now() - since.mtimeMs < STALE_MS) return;
  const broken = `${path}.${randomUUID()}`;
  // Of several that find it, a rename succeeds for one.
  const renamed = await rename(path, broken).then(
    () => true,
    () => false,
  );
  if (!renamed) return;
  // Another may have broken it and taken it in between: it gets its lock back.
  if ((await readFile(broken, 'utf8')) !== holder) await link(broken, path).catch(() => undefined);
  await rm(broken, { force: true });
}
