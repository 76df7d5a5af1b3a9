import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { ContentDigest } from './content-digest.ts';
import type { ContentFolder } from './content-folder.ts';
import { PACKED } from './content-packs.ts';

/** Chunks of a resumable upload come in multiples of it. Source: Cloud Storage, "Resumable uploads". */
export const GRANULE = 256 * 1024;

/** Bytes gathered before they are hashed and written: fewer, larger system calls. A multiple of GRANULE. */
const BATCH = 4 * GRANULE;

/**
 * Appends to the file of a content, at most two batches in memory. Until the end only whole granules are hashed and
 * written, so that the digest and the file always agree on what is persisted, wherever a connection is cut.
 */
export class ContentWriter {
  readonly #contents: ContentFolder;
  readonly #content: string;
  readonly #digest: ContentDigest;
  #file: FileHandle | undefined;
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #persisted: number;

  /**
   * @param content id of the file to append to
   * @param digest of what the file holds already; it is carried on
   */
  constructor(contents: ContentFolder, content: string, digest: ContentDigest) {
    this.#contents = contents;
    this.#content = content;
    this.#digest = digest;
    this.#persisted = digest.size;
  }

  /** Bytes that are in the file. */
  get persisted(): number {
    return this.#persisted;
  }

  /**
   * Resolves when more may come; at once while there is room. The memory of the chunk is taken, and given back once it is
   * written. @throws an error of the file system
   */
  async write(chunk: Buffer): Promise<void> {
    if (chunk.length === 0) return;
    this.#gathered.push(chunk);
    this.#gatheredBytes += chunk.length;
    if (this.#gatheredBytes < BATCH) return;
    const previous = this.#writing;
    await previous;
    this.#writing = this.#append(this.#take(this.#gatheredBytes - (this.#gatheredBytes % GRANULE)));
    // It is awaited by the next batch or the end; until then a failure must not count as unhandled.
    this.#writing.catch(() => undefined);
  }

  /** Writes the granules that came whole, and drops the rest. */
  async keepGranules(): Promise<void> {
    await this.#end(async () => {
      await this.#append(this.#take(this.#gatheredBytes - (this.#gatheredBytes % GRANULE)));
    });
  }

  /** Writes everything. @returns the id of the content, which is another where it was small enough to pack */
  async finish(): Promise<string> {
    return this.#end(async () => {
      const chunks = this.#take(this.#gatheredBytes);
      if (this.#persisted === 0) {
        const packed = this.#pack(chunks);
        if (packed !== undefined) return packed;
      }
      await this.#append(chunks);
      return this.#content;
    });
  }

  async #end<T>(last: () => Promise<T>): Promise<T> {
    try {
      await this.#writing;
      return await last();
    } finally {
      this.#gathered = [];
      this.#gatheredBytes = 0;
      await this.#file?.close();
      this.#file = undefined;
    }
  }

  #pack(chunks: readonly Buffer[]): string | undefined {
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    if (bytes === 0 || bytes > PACKED) return undefined;
    for (const chunk of chunks) this.#digest.update(chunk);
    const content = this.#contents.packs.append(chunks);
    this.#persisted = this.#digest.size;
    return content;
  }

  async #append(chunks: Buffer[]): Promise<void> {
    if (chunks.length === 0) return;
    const path = this.#contents.fileOf(this.#content);
    // Not O_APPEND: after a failed write the next attempt has to overwrite what it left.
    this.#file ??= await open(path, constants.O_WRONLY | constants.O_CREAT);
    for (const chunk of chunks) this.#digest.update(chunk);
    const { bytesWritten } = await this.#file.writev(chunks, this.#persisted);
    const expected = this.#digest.size - this.#persisted;
    if (bytesWritten !== expected) throw new Error(`wrote ${bytesWritten} of ${expected} bytes: disk full?`);
    this.#persisted += bytesWritten;
    for (const chunk of chunks) free(chunk);
  }

  /** Removes the first `bytes` from what was gathered. */
  #take(bytes: number): Buffer[] {
    const taken: Buffer[] = [];
    let rest = bytes;
    while (rest > 0) {
      const chunk = this.#gathered.shift();
      if (chunk === undefined) break;
      taken.push(chunk.length <= rest ? chunk : chunk.subarray(0, rest));
      if (chunk.length > rest) this.#gathered.unshift(chunk.subarray(rest));
      rest -= Math.min(rest, chunk.length);
    }
    this.#gatheredBytes -= bytes;
    return taken;
  }
}

/**
 * Frees the memory of a chunk that has its buffer to itself, at once: left to the garbage collector, V8 marks its whole
 * heap for every 16 MiB of it. The chunk is empty afterwards.
 */
function free({ buffer, byteLength }: Uint8Array): void {
  if (byteLength > 0 && buffer.byteLength === byteLength && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
