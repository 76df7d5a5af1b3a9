import { existsSync } from 'node:fs';
import { stat, truncate } from 'node:fs/promises';
import { invalid } from '../api-error.ts';
import { ContentDigest } from './content-digest.ts';
import type { ContentFolder } from './content-folder.ts';
import type { ChunkRange } from './content-range.ts';
import { ContentWriter, GRANULE } from './content-writer.ts';

/**
 * The bytes of one session: at most one request adds to them at a time. A new request cuts off an older one,
 * which a client whose connection died can no longer end itself.
 */
export class ResumableUpload {
  readonly #contents: ContentFolder;
  readonly #file: string;
  #content: string;
  #digest: ContentDigest;
  #writer: ContentWriter | undefined;
  /** The request has come to its end, one way or the other, and its last bytes are being written. */
  #settling = false;
  #turn: { readonly cut: () => void; readonly over: Promise<void> } | undefined;

  private constructor(contents: ContentFolder, file: string, digest: ContentDigest) {
    this.#contents = contents;
    this.#file = file;
    this.#content = file;
    this.#digest = digest;
  }

  /** Takes up what the file holds, in whole granules: after a restart it may hold more than was answered. */
  static async resume(contents: ContentFolder, file: string): Promise<ResumableUpload> {
    return new ResumableUpload(contents, file, await digestOfGranules(contents, file));
  }

  /** Bytes that need not be sent again; a multiple of 256 KiB until the last byte came. */
  get persisted(): number {
    return this.#writer?.persisted ?? this.#digest.size;
  }

  /** Id of the content, once it is complete. */
  get content(): string {
    return this.#content;
  }

  get digest(): ContentDigest {
    return this.#digest;
  }

  /** Resolves when the bytes of a request that ended are counted; a request under way is not waited for. */
  async settled(): Promise<void> {
    if (this.#settling) await this.#turn?.over;
  }

  /** Runs `work` once no other request is at it. */
  async take<T>(cut: () => void, work: () => Promise<T>): Promise<T> {
    while (this.#turn !== undefined) {
      this.#turn.cut();
      await this.#turn.over;
    }
    const running = work();
    const over = running.then(
      () => undefined,
      () => undefined,
    );
    const turn = { cut, over };
    this.#turn = turn;
    try {
      return await running;
    } finally {
      if (this.#turn === turn) this.#turn = undefined;
      this.#settling = false;
    }
  }

  /**
   * Adds a chunk. Bytes that are persisted already are skipped. When the connection is cut, whole granules
   * of what came are kept, as Cloud Storage does.
   * @returns whether the content is complete
   * @throws ApiError 400 for a gap, a chunk of a wrong size, or more bytes than announced
   */
  async receive(range: ChunkRange, body: AsyncIterable<Buffer>): Promise<boolean> {
    const { first, last, total } = range;
    const known = this.#digest.size;
    if (first > known) throw invalid(`Gap: byte ${first} was sent, and ${known} are persisted.`);
    if (last !== undefined && last + 1 !== total && (last + 1) % GRANULE !== 0) {
      throw invalid('Chunks other than the last must be multiples of 262144 bytes.');
    }
    const most = last === undefined ? (total ?? Number.POSITIVE_INFINITY) : last + 1;
    const writer = new ContentWriter(this.#contents, this.#file, this.#digest);
    this.#writer = writer;
    try {
      const end = await this.#copy(writer, body, first, known, most);
      if (last !== undefined && end !== last + 1)
        throw invalid(`Chunk ends at byte ${end}, not ${last + 1}.`);
      const complete = total === undefined ? last === undefined : end === total;
      if (complete && end < known) throw invalid(`Upload ends at byte ${end}, but ${known} are persisted.`);
      if (complete) this.#content = await writer.finish();
      else await writer.keepGranules();
      return complete;
    } catch (error) {
      await this.#keep(writer);
      throw error;
    } finally {
      this.#writer = undefined;
    }
  }

  /** @returns the offset in the object at which the request ended */
  async #copy(
    writer: ContentWriter,
    body: AsyncIterable<Buffer>,
    first: number,
    known: number,
    most: number,
  ): Promise<number> {
    let offset = first;
    try {
      for await (const chunk of body) {
        if (offset + chunk.length > most) throw invalid(`More bytes than announced: byte ${most} was sent.`);
        const skipped = Math.min(chunk.length, Math.max(0, known - offset));
        offset += chunk.length;
        await writer.write(chunk.subarray(skipped));
      }
      return offset;
    } finally {
      this.#settling = true;
    }
  }

  async #keep(writer: ContentWriter): Promise<void> {
    try {
      await writer.keepGranules();
    } catch {
      // A failed write leaves the digest ahead of the file; the original error is the one to tell.
    }
    if (this.#digest.size !== writer.persisted) {
      this.#digest = await digestOfGranules(this.#contents, this.#file);
    }
  }
}

async function digestOfGranules(contents: ContentFolder, file: string): Promise<ContentDigest> {
  const path = contents.fileOf(file);
  if (!existsSync(path)) return new ContentDigest(contents.md5);
  const { size } = await stat(path);
  if (size % GRANULE !== 0) await truncate(path, size - (size % GRANULE));
  return ContentDigest.ofFile(path, contents.md5);
}
