import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UsageError } from '../exit.ts';

/** Bits of a mode that let anybody but the owner in. */
const OTHERS = 0o077;

/** Windows has no such modes: a profile folder is its owner's. */
const HAS_MODES = process.platform !== 'win32';

/**
 * The text of a file that holds secrets; undefined where there is none.
 * @throws {UsageError} where others may read it or write to its folder
 */
export async function readPrivate(path: string): Promise<string | undefined> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!file) return undefined;
  try {
    refuseOthers(path, (await file.stat()).mode, 'chmod 600');
    refuseOthers(dirname(path), (await stat(dirname(path))).mode, 'chmod 700');
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** Writes it whole or not at all, for its owner alone. @throws {UsageError} where others may look into its folder */
export async function writePrivate(path: string, text: string): Promise<void> {
  await privateFolder(dirname(path));
  const whole = `${path}.${randomUUID()}`;
  try {
    const file = await open(whole, 'wx', 0o600);
    try {
      await file.writeFile(text);
      // A crash after the rename must not leave an empty file: the refresh token before it may be used up.
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(whole, path);
  } catch (error) {
    await rm(whole, { force: true });
    throw error;
  }
}

/** Makes it, if it is missing. @throws {UsageError} where others may look into it */
export async function privateFolder(path: string): Promise<void> {
  const made = await mkdir(path, { recursive: true, mode: 0o700 });
  // The mode of mkdir is what the umask leaves of it.
  if (made !== undefined && HAS_MODES) await chmod(path, 0o700);
  refuseOthers(path, (await stat(path)).mode, 'chmod 700');
}

function refuseOthers(path: string, mode: number, command: string): void {
  if (!HAS_MODES || (mode & OTHERS) === 0) return;
  throw new UsageError(
    `Others may read ${path}, which holds tokens. Run: ${command} '${path}', and log in again.`,
  );
}
