import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { EICAR } from '../../../shared/scanning/canary.ts';
import { builtInTypes } from './types.ts';

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

/** Our own rules on what ClamAV calls clean without having looked into it, as infra/clamav/rules.sh provides them. */
const RULES = ['unscannable.ldb', 'unscannable.cfg', 'unscannable.ftm'] as const;

/**
 * The signatures to start clamd with: those in `databaseDirectory` (by default `CLAMAV_DATABASE_DIR`) as they are now,
 * or else the development database, written to `folder`; and either way the rules of `infra/clamav`.
 *
 * @param clamd path of the program, whose own types are needed where `databaseDirectory` has none
 * @throws if `databaseDirectory` cannot be read
 */
export async function provideSignatures(
  folder: string,
  clamd: string,
  databaseDirectory = process.env['CLAMAV_DATABASE_DIR'],
): Promise<Signatures> {
  const directory = databaseDirectory ? join(folder, 'linked') : folder;
  const names = databaseDirectory ? await link(resolve(databaseDirectory), directory) : [];
  await mkdir(directory, { recursive: true });
  const files = new Map(databaseDirectory ? [] : Object.entries(DATABASE));
  for (const name of RULES) {
    files.set(name, await readFile(new URL(`../../clamav/${name}`, import.meta.url), 'utf8'));
  }
  if (!names.some((name) => /^daily\.c[vl]d$|\.ftm$/.test(name))) {
    files.set('unscannable.ftm', `${await builtInTypes(clamd)}${files.get('unscannable.ftm')}`);
  }
  for (const name of await readdir(directory)) {
    if (name.startsWith('unscannable.') && !files.has(name)) await rm(join(directory, name));
  }
  for (const [name, content] of files) await writeOnce(join(directory, name), content);
  return { directory, development: !databaseDirectory };
}

/**
 * clamd takes one directory, and the caller's is not ours to write to.
 * @returns the names of what is linked
 */
async function link(from: string, to: string): Promise<string[]> {
  const names = (await readdir(from)).filter((name) => !name.startsWith('unscannable.'));
  await rm(to, { recursive: true, force: true });
  await mkdir(to, { recursive: true });
  for (const name of names) await symlink(join(from, name), join(to, name));
  return names;
}

/** Leaves an identical file alone, and never shows half a file: either would make a running clamd reload. */
async function writeOnce(path: string, content: string): Promise<void> {
  const present = await readFile(path, 'utf8').catch(() => undefined);
  if (present === content) return;
  const unfinished = `${path}.${process.pid}.tmp`;
  await writeFile(unfinished, content);
  await rename(unfinished, path);
}
