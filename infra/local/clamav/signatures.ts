import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { EICAR } from '../../../shared/scanning/canary.ts';

export interface Signatures {
  readonly directory: string;
  /** Whether these are only the signatures of the test files, and no real malware is found. */
  readonly development: boolean;
}

/**
 * The development database: what makes a real clamd find test files, without a download.
 *
 * - The EICAR test string, at any offset of any file. The standard wants it at the start, with nothing but white
 *   space behind; here a mail or a document that merely holds it counts as well, so that a test may put it anywhere.
 * - `clam.exe`, the 544 bytes inside all 44 files of Debian's clamav-testfiles.
 *
 * clamd adds `.UNOFFICIAL` to the names, since the files are not signed.
 */
const DATABASE = {
  'development.ndb': `Eicar-Test-Signature:0:*:${EICAR.toString('hex')}\n`,
  'development.hsb':
    '71e7b604d18aefd839e51a39c88df8383bb4c071dc31f87f00a2b5df580d4495:544:Clamav-Test-File\n',
};

/** What ClamAV cannot look into and calls clean by itself: as needed with the official signatures as without. */
const UNSCANNABLE = 'unscannable.ndb';
const UNSCANNABLE_FILE = new URL(`../../clamav/${UNSCANNABLE}`, import.meta.url);

/**
 * The signatures to start clamd with: those in `databaseDirectory` (by default `CLAMAV_DATABASE_DIR`) as they are now,
 * or else the development database, written to `folder`; and either way those of `infra/clamav/unscannable.ndb`.
 *
 * @throws if `databaseDirectory` cannot be read
 */
export async function provideSignatures(
  folder: string,
  databaseDirectory = process.env['CLAMAV_DATABASE_DIR'],
): Promise<Signatures> {
  const unscannable = await readFile(UNSCANNABLE_FILE, 'utf8');
  const directory = databaseDirectory ? join(folder, 'linked') : folder;
  if (databaseDirectory) await link(resolve(databaseDirectory), directory);
  await mkdir(directory, { recursive: true });
  const files = { [UNSCANNABLE]: unscannable, ...(databaseDirectory ? {} : DATABASE) };
  for (const [name, content] of Object.entries(files)) await writeOnce(join(directory, name), content);
  return { directory, development: !databaseDirectory };
}

/** clamd takes one directory, and the caller's is not ours to write to. */
async function link(from: string, to: string): Promise<void> {
  const names = await readdir(from);
  await rm(to, { recursive: true, force: true });
  await mkdir(to, { recursive: true });
  for (const name of names) {
    if (name !== UNSCANNABLE) await symlink(join(from, name), join(to, name));
  }
}

/** Leaves an identical file alone, and never shows half a file: either would make a running clamd reload. */
async function writeOnce(path: string, content: string): Promise<void> {
  const present = await readFile(path, 'utf8').catch(() => undefined);
  if (present === content) return;
  const unfinished = `${path}.${process.pid}.tmp`;
  await writeFile(unfinished, content);
  await rename(unfinished, path);
}
