import { randomUUID } from 'node:crypto';
import { StorageError } from './error.ts';
import { answeredObject, type StoredObject } from './object.ts';
import { type Frame, OpenInsert } from './open-insert.ts';
import { ResumableSession } from './resumable.ts';
import { type RetryPolicy, retrying } from './retry.ts';
import type { Checksums } from './tally.ts';
import type { Transport } from './transport.ts';

export interface InsertOptions {
  readonly contentType: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

interface InsertTerms {
  /** URL of the uploads to one bucket: `/upload/storage/v1/b/BUCKET/o`. */
  readonly url: string;
  readonly retry: RetryPolicy;
  /** Milliseconds for one request that carries no stream. */
  readonly timeoutMs: number;
  /** Looks up an object with only the permission to list. */
  readonly find: (name: string) => Promise<StoredObject | undefined>;
}

const PRECONDITION_FAILED = 412;

/**
 * Requests that create an object with bytes, at a name that must not exist.
 * https://cloud.google.com/storage/docs/json_api/v1/objects/insert
 */
export class Inserts {
  readonly #transport: Transport;
  readonly #terms: InsertTerms;

  constructor(transport: Transport, terms: InsertTerms) {
    this.#transport = transport;
    this.#terms = terms;
  }

  /** Opens a resumable session. @returns its URI, a bearer token that is good for a week */
  async startSession(
    name: string,
    options: InsertOptions,
    { signal, headers = {} }: { signal?: AbortSignal; headers?: Readonly<Record<string, string>> } = {},
  ): Promise<string> {
    const answer = await retrying(this.#terms.retry, signal, () =>
      this.#transport.json({
        operation: 'resumable.start',
        method: 'POST',
        url: this.#terms.url,
        query: { uploadType: 'resumable', name, ifGenerationMatch: 0 },
        headers: { 'x-upload-content-type': options.contentType, ...headers },
        body: { json: { contentType: options.contentType, metadata: options.metadata ?? {} } },
        timeoutMs: this.#terms.timeoutMs,
        signal,
      }),
    );
    const uri = answer.headers.get('location');
    if (!uri)
      throw new StorageError('resumable.start', { status: 0, reason: 'malformedAnswer', message: 'no URI' });
    return uri;
  }

  session(uri: string, signal?: AbortSignal): ResumableSession {
    const { retry, timeoutMs } = this.#terms;
    return new ResumableSession(this.#transport, uri, { retry, timeoutMs: timeoutMs * 2, signal });
  }

  /** One request that is sent while its bytes come: docs/adr/0024. */
  open(name: string, size: number, options: InsertOptions): OpenInsert {
    const { boundary, head, tail } = frameOf(options);
    const length = head.length + size + tail.length;
    return new OpenInsert(size, { head, tail }, (stream, signal) =>
      this.#transport.json({ ...this.#multipart(name, boundary), body: { stream, length }, signal }),
    );
  }

  /**
   * Inserts in one multipart request; Cloud Storage refuses it if the CRC32C does not match.
   * @param open an open insert to use as the first attempt, if any
   * @returns undefined where the name exists
   */
  async whole(
    name: string,
    bytes: Uint8Array,
    checksums: Checksums,
    options: InsertOptions,
    open?: OpenInsert,
  ): Promise<StoredObject | undefined> {
    const metadata = options.metadata ?? {};
    const { boundary, head, tail } = frameOf(options, checksums);
    const body = { pieces: [head, bytes, tail], length: head.length + checksums.size + tail.length };
    return retrying(this.#terms.retry, undefined, async (triesBefore) => {
      const answer =
        open?.underWay && triesBefore === 0
          ? await open.finish(bytes, this.#terms.timeoutMs)
          : await this.#transport.json({
              ...this.#multipart(name, boundary),
              body,
              timeoutMs: this.#terms.timeoutMs,
            });
      if (answer.status !== PRECONDITION_FAILED) return answeredObject('objects.insert', answer.body);
      // An earlier attempt may have succeeded although its response was lost.
      const current = triesBefore > 0 ? await this.#terms.find(name) : undefined;
      const ours =
        current?.crc32c === checksums.crc32c &&
        current.size === checksums.size &&
        // The endpoint may add its own keys, as Google's storage-testbench does.
        Object.entries(metadata).every(([key, value]) => current.metadata[key] === value);
      return ours ? current : undefined;
    });
  }

  #multipart(name: string, boundary: string) {
    return {
      operation: 'objects.insert',
      method: 'POST' as const,
      url: this.#terms.url,
      query: { uploadType: 'multipart', name, ifGenerationMatch: 0 },
      headers: { 'content-type': `multipart/related; boundary=${boundary}` },
      expect: [PRECONDITION_FAILED],
    };
  }
}

/** Both parts name the same content type: Cloud Storage answers 400 to two that differ. */
function frameOf(
  { contentType, metadata = {} }: InsertOptions,
  checksums?: Checksums,
): Frame & { boundary: string } {
  const boundary = randomUUID();
  const resource = JSON.stringify({ contentType, metadata, crc32c: checksums?.crc32c });
  const head = Buffer.from(
    `--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n${resource}\r\n` +
      `--${boundary}\r\ncontent-type: ${contentType}\r\n\r\n`,
  );
  return { boundary, head, tail: Buffer.from(`\r\n--${boundary}--\r\n`) };
}
