/** A content that can be read from its beginning again, as a file can. */
export interface FileSource {
  /** Bytes. */
  readonly size: number;
  readonly name?: string | undefined;
  readonly type?: string | undefined;
  /** Says that it is the same content as another time, such as path, size and time of change; allows resuming. */
  readonly fingerprint?: string | undefined;
  open(): AsyncIterable<Uint8Array>;
  /** Its bytes from `start` up to, but without, `end`; lets a large one be sent in several parts at once. */
  slice?(start: number, end: number): AsyncIterable<Uint8Array>;
}

/** Accepted sources of an upload. A stream is read once: what breaks is sent again from memory, a chunk at most. */
export type UploadSource =
  | Blob
  | Uint8Array
  | ArrayBuffer
  | FileSource
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>;

/** A source of any kind; the size of a stream is not known. */
export type Opened = Omit<FileSource, 'size'> & { readonly size: number | undefined };

/** @throws {TypeError} where it is none */
export function openSource(source: UploadSource): Opened {
  if (source instanceof Blob) return ofBlob(source);
  if (source instanceof ArrayBuffer) return ofBytes(new Uint8Array(source));
  if (source instanceof Uint8Array) return ofBytes(source);
  if ('getReader' in source) return { size: undefined, open: () => pieces(source) };
  // Before `open`, which Node's file streams have too.
  if (Symbol.asyncIterator in source) return { size: undefined, open: () => source };
  if ('open' in source) return source;
  throw new TypeError('Upload a Blob, bytes, a stream, or in Node what fileSource(path) gives.');
}

function ofBlob(blob: Blob): Opened {
  const { size, type } = blob;
  const { name, lastModified } = blob as Partial<File>;
  return {
    size,
    ...(type && { type }),
    ...(name !== undefined && { name, fingerprint: [name, size, lastModified].join('/') }),
    open: () => pieces(blob.stream()),
    slice: (start, end) => pieces(blob.slice(start, end).stream()),
  };
}

function ofBytes(bytes: Uint8Array): Opened {
  return {
    size: bytes.length,
    async *open() {
      yield bytes;
    },
    async *slice(start, end) {
      yield bytes.subarray(start, end);
    },
  };
}

/** Not every browser iterates over streams. */
async function* pieces(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      if (value) yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** Bytes that a buffer has at least when it grows: a usual piece of a stream. */
const LEAST_BYTES = 64 * 1024;

export interface Chunk {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether nothing comes after it. */
  readonly last: boolean;
}

/** Reads a stream of pieces of any size in chunks of the size that is asked for. */
export class ChunkReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);
  #ended = false;

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /**
   * The next `size` bytes, or those that are left.
   * @param expected how many there probably are: memory for them is taken at once, for more as they come
   */
  async read(size: number, expected = size): Promise<Chunk> {
    let bytes = new Uint8Array(Math.min(size, expected));
    let filled = 0;
    while (filled < size && (await this.#more())) {
      if (filled === bytes.length) bytes = grown(bytes, size);
      const piece = this.#rest.subarray(0, bytes.length - filled);
      bytes.set(piece, filled);
      filled += piece.length;
      this.#rest = this.#rest.subarray(piece.length);
    }
    const last = !(await this.#more());
    return { bytes: filled === bytes.length ? bytes : bytes.slice(0, filled), last };
  }

  /** Lets go of the source. */
  async close(): Promise<void> {
    if (!this.#ended) await this.#pieces.return?.();
  }

  async #more(): Promise<boolean> {
    while (this.#rest.length === 0 && !this.#ended) {
      const { done = false, value } = await this.#pieces.next();
      this.#ended = done;
      if (!done) this.#rest = typeof value === 'string' ? new TextEncoder().encode(value) : value;
    }
    return this.#rest.length > 0;
  }
}

function grown(bytes: Uint8Array<ArrayBuffer>, most: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.min(most, Math.max(LEAST_BYTES, bytes.length * 2)));
  larger.set(bytes);
  return larger;
}
