import { statSync } from 'node:fs';
import { basename, posix } from 'node:path';
import { fileSource, folder } from '../node.ts';
import type { UploadSource } from '../source.ts';
import { UsageError } from './exit.ts';

export interface InputFlags {
  readonly recursive?: boolean;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly allowEmpty?: boolean;
}

/** A file to upload. */
export interface Input {
  /** Path as the user named it, for messages. */
  readonly file: string;
  readonly inFolder: boolean;
  /** Opens it. @throws where that is not possible */
  readonly source: () => Promise<UploadSource>;
}

/** The files that the arguments name. A folder that cannot be read is an input that fails. */
export async function* inputsOf(files: readonly string[], flags: InputFlags): AsyncGenerator<Input> {
  const isWanted = filterOf(flags);
  for (const file of files) {
    if (file === '-') {
      yield { file, inFolder: false, source: () => standardInput(flags.allowEmpty) };
    } else if (!isFolder(file)) {
      yield { file, inFolder: false, source: () => fileSource(file) };
    } else if (!flags.recursive) {
      yield failing(file, new UsageError('It is a folder. Use --recursive to upload its files.'));
    } else {
      yield* inputsBelow(file, isWanted);
    }
  }
}

async function* inputsBelow(root: string, isWanted: (path: string) => boolean): AsyncGenerator<Input> {
  let empty = true;
  try {
    for await (const { path, source } of folder(root, isWanted)) {
      empty = false;
      yield { file: `${root.replace(/\/+$/, '')}/${path}`, inFolder: true, source: async () => source };
    }
  } catch (error) {
    yield failing(root, error);
    return;
  }
  if (empty) yield failing(root, new UsageError('It has no files to upload.'));
}

function failing(file: string, error: unknown): Input {
  return { file, inFolder: false, source: () => Promise.reject(error) };
}

/** A pattern with a slash is about the path in the folder, another about the name alone. @throws {UsageError} */
function filterOf({ include = [], exclude = [], recursive }: InputFlags): (path: string) => boolean {
  if (include.length + exclude.length === 0) return () => true;
  if (!recursive) throw new UsageError('--include and --exclude are for --recursive.');
  if (typeof posix.matchesGlob !== 'function')
    throw new UsageError('--include and --exclude need Node.js 22.5 or later.');
  const matches = (path: string) => (pattern: string) =>
    posix.matchesGlob(pattern.includes('/') ? path : basename(path), pattern);
  return (path) => (include.length === 0 || include.some(matches(path))) && !exclude.some(matches(path));
}

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** An empty one usually comes from a command that failed before a pipe. @throws {UsageError} */
async function standardInput(allowEmpty = false): Promise<AsyncIterable<Uint8Array>> {
  const pieces: AsyncIterator<Uint8Array> = process.stdin[Symbol.asyncIterator]();
  let next = await pieces.next();
  if (next.done && !allowEmpty)
    throw new UsageError('It is empty. Use --allow-empty to upload an empty file.');
  return (async function* () {
    for (; !next.done; next = await pieces.next()) yield next.value;
  })();
}
