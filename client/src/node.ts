import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import mime from 'mime';
import type { FileSource } from './source.ts';
import { stateFolder } from './state.ts';
import type { Entry } from './upload/many.ts';
import type { UploadStore } from './upload/store.ts';

export { type DownloadedFile, type DownloadFileOptions, downloadFile } from './node-download.ts';
export { type AuditReport, verifyReport } from './node-report.ts';
export { type VerdictKeys, verifyVerdict } from './node-verdict.ts';

/** Milliseconds after which the service has forgotten an upload that is not complete: a week, and a day to be sure. */
const KEPT_MS = 8 * 24 * 3_600_000;

/** A file on disk, to upload. A change of size or time makes it another file. @throws where there is none */
export async function fileSource(path: string): Promise<FileSource> {
  const full = resolve(path);
  const { size, mtimeNs, isFile } = await stats(full);
  if (!isFile) throw new Error(`${path} is not a file`);
  return {
    size,
    name: basename(full),
    type: mime.getType(full) ?? undefined,
    fingerprint: [full, size, mtimeNs].join('/'),
    open: () => createReadStream(full, { highWaterMark: pieceOf(size) }),
    slice: (start, end) =>
      createReadStream(full, { start, end: Math.max(start, end - 1), highWaterMark: pieceOf(end - start) }),
  };
}

/**
 * The files below a folder, by name, with their paths in it. Links are not followed: they may lead out of it, or in a circle.
 * @param isWanted is asked for each path, with `/` between its parts
 * @throws where it cannot be read, or is no folder
 */
export async function* folder(
  path: string,
  isWanted: (path: string) => boolean = () => true,
): AsyncGenerator<Entry> {
  yield* below(resolve(path), '', isWanted);
}

async function* below(
  root: string,
  within: string,
  isWanted: (path: string) => boolean,
): AsyncGenerator<Entry> {
  const entries = await readdir(join(root, within), { withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = within === '' ? entry.name : `${within}/${entry.name}`;
    if (entry.isDirectory()) yield* below(root, path, isWanted);
    else if (entry.isFile() && isWanted(path)) yield { path, source: await fileSource(join(root, path)) };
  }
}

/** Bytes to read at once: each read takes memory for so many, however few there are. */
function pieceOf(size: number): number {
  return Math.min(1024 * 1024, Math.max(4096, size));
}

async function stats(path: string) {
  const found = await stat(path, { bigint: true });
  return { size: Number(found.size), mtimeNs: found.mtimeNs, isFile: found.isFile() };
}

/** Remembers uploads in a folder that only this user reads: a direct session is a bearer token for its file. */
export class FolderUploadStore implements UploadStore {
  readonly #folder: string;

  /** @param folder by default that of the XDG Base Directory Specification for state */
  constructor(folder = stateFolder('uploads')) {
    this.#folder = folder;
  }

  async get(key: string): Promise<string | undefined> {
    return readFile(this.#path(key), 'utf8').catch(() => undefined);
  }

  async set(key: string, value: string): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await this.#removeOld();
    const path = this.#path(key);
    const whole = `${path}.${process.pid}`;
    await writeFile(whole, value, { mode: 0o600 });
    await rename(whole, path);
  }

  async delete(key: string): Promise<void> {
    await rm(this.#path(key), { force: true });
  }

  #path(key: string): string {
    return join(this.#folder, `${createHash('sha256').update(key).digest('hex')}.json`);
  }

  async #removeOld(): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name);
      const found = await stat(path).catch(() => undefined);
      if (found && found.mtimeMs < Date.now() - KEPT_MS) await rm(path, { force: true });
    }
  }
}
