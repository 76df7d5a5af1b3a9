import { execFile } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A separate file system over a folder, which can really be full. */
export class SmallFileSystem implements AsyncDisposable {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @returns undefined where this user may not mount one */
  static async over(folder: string, bytes: number): Promise<SmallFileSystem | undefined> {
    try {
      await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0777`, 'tmpfs', folder]);
      return new SmallFileSystem(folder);
    } catch {
      return undefined;
    }
  }

  get #filler(): string {
    return join(this.#folder, 'filler');
  }

  /** Leaves so many bytes and no more: by default none. */
  async fill(leaving = 0): Promise<void> {
    await using file = await open(this.#filler, 'a');
    for (let size = 2 ** 20; size >= 1; ) {
      const written = await file.write(Buffer.alloc(size)).then(
        ({ bytesWritten }) => bytesWritten,
        () => 0,
      );
      if (written < size) size = Math.floor(size / 2);
    }
    await file.truncate((await file.stat()).size - leaving);
  }

  async free(): Promise<void> {
    await rm(this.#filler, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run('umount', ['-l', this.#folder]);
  }
}
