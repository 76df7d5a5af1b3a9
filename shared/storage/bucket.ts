import { defined } from '../runtime/defined.ts';
import type { BorrowedBytes } from '../runtime/memory.ts';
import { StorageError } from './error.ts';
import { type InsertOptions, Inserts } from './inserts.ts';
import { answeredObject, type Generation, type Metageneration, type StoredObject } from './object.ts';
import { type Reading, type ReadOptions, readRange } from './read.ts';
import { CHUNK_QUANTUM } from './resumable.ts';
import { DEFAULT_RETRY, type RetryPolicy, retrying, timer } from './retry.ts';
import { type StagedUpload, stageUpload } from './stage.ts';
import { type Checksums, ChecksumTally, type Digests, type RunningDigests, Tally } from './tally.ts';
import type { Call, Transport } from './transport.ts';

export interface BucketOptions {
  readonly retry?: RetryPolicy;
  /** Timeout in milliseconds: of a request without a stream, and between two reads or writes of a stream. */
  readonly timeoutMs?: number;
  /** Bytes, a multiple of 256 KiB: the memory of an upload is at most twice this. */
  readonly chunkBytes?: number;
  /**
   * Whether a write waits until one second after the last known write to the same object, to avoid a 429:
   * https://cloud.google.com/storage/quotas#objects
   */
  readonly paced?: boolean;
}

/** The version of an object that a write must still find. */
interface Version {
  readonly generation: Generation;
  /** Time of the last write, if known; a paced bucket waits by it. */
  readonly updated?: Date;
}

export interface StageOptions extends InsertOptions {
  /** Size in bytes, if known: the bytes are then sent as they arrive. */
  readonly size?: number | undefined;
}

export interface ListOptions {
  readonly prefix: string;
  /** First name to list, inclusive (UTF-8 order). */
  readonly startOffset?: string | undefined;
  /** First name not to list (UTF-8 order). */
  readonly endOffset?: string | undefined;
  readonly pageToken?: string | undefined;
  /** Page size, at most 1 000. */
  readonly maxResults: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Milliseconds. Cloud Storage accepts one write per second to an object name. A little more, because Node's timers can
 * fire a millisecond early and the time of the last write is in whole milliseconds.
 */
export const WRITE_INTERVAL_MS = 1_010;
const NOT_FOUND = 404;
const PRECONDITION_FAILED = 412;

/**
 * One bucket through Cloud Storage's JSON API. Every write carries a precondition, so every call is safe to retry and
 * is retried on transient failures. A 404 and a failed precondition are return values; everything else throws
 * {@link StorageError}. https://cloud.google.com/storage/docs/json_api
 */
export class Bucket {
  readonly name: string;
  readonly #transport: Transport;
  readonly #retry: RetryPolicy;
  readonly #timeoutMs: number;
  readonly #chunkBytes: number;
  readonly #paced: boolean;
  readonly #inserts: Inserts;

  constructor(transport: Transport, name: string, options: BucketOptions = {}) {
    this.name = name;
    this.#transport = transport;
    this.#retry = options.retry ?? DEFAULT_RETRY;
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    this.#chunkBytes = options.chunkBytes ?? 8 * 1024 * 1024;
    this.#paced = options.paced ?? false;
    if (this.#chunkBytes <= 0 || this.#chunkBytes % CHUNK_QUANTUM !== 0) {
      throw new RangeError(`chunkBytes ${this.#chunkBytes} is not a multiple of ${CHUNK_QUANTUM}`);
    }
    this.#inserts = new Inserts(transport, {
      url: this.#path(undefined, '/upload/storage/v1'),
      retry: this.#retry,
      timeoutMs: this.#timeoutMs,
      find: (object) => this.#find(object),
    });
  }

  async stat(name: string, signal?: AbortSignal): Promise<StoredObject | undefined> {
    const answer = await this.#json({
      operation: 'objects.get',
      method: 'GET',
      url: this.#path(name),
      expect: [NOT_FOUND],
      signal,
    });
    return answer.status === NOT_FOUND ? undefined : answeredObject('objects.get', answer.body);
  }

  /** @see readRange; iterate it, or abort its signal: until then the connection is held */
  async read(
    name: string,
    options: ReadOptions & { readonly generation: Generation },
  ): Promise<AsyncGenerator<BorrowedBytes, void, undefined> | undefined> {
    // A range request cannot ask for zero bytes.
    if (options.range.end < options.range.start) return nothing();
    return (await this.readWhatIsThere(name, options))?.bytes;
  }

  /** Reads the current generation, whichever it is. @see readRange */
  readWhatIsThere(name: string, options: ReadOptions): Promise<Reading | undefined> {
    const limits = { retry: this.#retry, timeoutMs: this.#timeoutMs };
    return readRange(this.#transport, this.#path(name), options, limits);
  }

  /**
   * Streams bytes to a name that must not exist, without the final request that makes them an object.
   * @param describe metadata computed from the bytes, if the object is sent in one request after all bytes have arrived
   * @see stageUpload
   */
  stage(
    name: string,
    source: AsyncIterable<BorrowedBytes>,
    options: StageOptions,
    describe?: (known: Digests) => Readonly<Record<string, string>>,
  ): Promise<StagedUpload & Digests> {
    return this.stageTallied(name, source, options, new Tally(), describe);
  }

  /** Stages with other digests. @param tally a fresh one */
  stageTallied<Known extends Checksums>(
    name: string,
    source: AsyncIterable<BorrowedBytes>,
    options: StageOptions,
    tally: RunningDigests<Known>,
    describe?: (known: Known) => Readonly<Record<string, string>>,
  ): Promise<StagedUpload & Known> {
    const inserts = this.#inserts;
    return stageUpload(
      {
        start: async (signal) =>
          inserts.session(await inserts.startSession(name, options, { signal }), signal),
        open: (size) => inserts.open(name, size, options),
        insertWhole: async (bytes, known, open) => {
          const metadata = { ...options.metadata, ...(!open && describe?.(known)) };
          const object = await inserts.whole(name, bytes, known, { ...options, metadata }, open);
          if (object) return object;
          throw new StorageError('objects.insert', {
            status: PRECONDITION_FAILED,
            reason: 'conditionNotMet',
          });
        },
        remove: async (object) => {
          await this.delete(name, object);
        },
      },
      source,
      { chunkBytes: this.#chunkBytes, size: options.size },
      tally,
    );
  }

  /**
   * Inserts an empty object that only carries metadata; `application/x-empty` unless `options` say otherwise.
   * @returns undefined where the name exists
   */
  insertEmpty(name: string, options: Partial<InsertOptions> = {}): Promise<StoredObject | undefined> {
    const typed = { contentType: 'application/x-empty', ...options };
    return this.#inserts.whole(name, new Uint8Array(), new ChecksumTally().digests(), typed);
  }

  /**
   * Merges custom metadata if the object is still at `version`; `null` removes a key.
   * @returns undefined if it is not, or no longer exists
   */
  async patch(
    name: string,
    version: Version & { readonly metageneration: Metageneration },
    metadata: Readonly<Record<string, string | null>>,
    signal?: AbortSignal,
  ): Promise<StoredObject | undefined> {
    await this.#untilWritable(version, signal);
    return retrying(this.#retry, signal, async (triesBefore) => {
      const answer = await this.#once({
        operation: 'objects.patch',
        method: 'PATCH',
        url: this.#path(name),
        query: { generation: version.generation, ifMetagenerationMatch: version.metageneration },
        body: { json: { metadata } },
        expect: [NOT_FOUND, PRECONDITION_FAILED],
        signal,
      });
      if (answer.status === NOT_FOUND) return undefined;
      if (answer.status !== PRECONDITION_FAILED) return answeredObject('objects.patch', answer.body);
      // An earlier attempt may have succeeded although its response was lost.
      const current = triesBefore > 0 ? await this.stat(name, signal) : undefined;
      const ours =
        current?.generation === version.generation &&
        BigInt(current.metageneration) === BigInt(version.metageneration) + 1n &&
        Object.entries(metadata).every(([key, value]) => (current.metadata[key] ?? null) === value);
      return ours ? current : undefined;
    });
  }

  /**
   * Sets the custom time of an object, for lifecycle rules. Does nothing if it is no longer at `version`.
   * https://cloud.google.com/storage/docs/metadata#custom-time
   */
  async setCustomTime(
    name: string,
    version: Version & { readonly metageneration: Metageneration },
    time: Date,
  ): Promise<void> {
    await this.#untilWritable(version);
    await this.#json({
      operation: 'objects.patch',
      method: 'PATCH',
      url: this.#path(name),
      query: { generation: version.generation, ifMetagenerationMatch: version.metageneration },
      body: { json: { customTime: time.toISOString() } },
      expect: [NOT_FOUND, PRECONDITION_FAILED],
    });
  }

  /**
   * Copies one generation to a name of `target` that must not exist, inside Cloud Storage, until it is done.
   * https://cloud.google.com/storage/docs/json_api/v1/objects/rewrite
   */
  async rewrite(
    source: { name: string; generation: Generation },
    target: { bucket: Bucket; name: string } & InsertOptions,
    signal?: AbortSignal,
  ): Promise<StoredObject | 'sourceGone' | 'targetExists'> {
    for (let rewriteToken: string | undefined; ; ) {
      const answer = await this.#json({
        operation: 'objects.rewrite',
        method: 'POST',
        url: `${this.#path(source.name)}/rewriteTo${target.bucket.#path(target.name, '')}`,
        query: {
          sourceGeneration: source.generation,
          ifSourceGenerationMatch: source.generation,
          ifGenerationMatch: 0,
          rewriteToken,
        },
        body: { json: { contentType: target.contentType, metadata: target.metadata ?? {} } },
        expect: [NOT_FOUND, PRECONDITION_FAILED],
        signal,
      });
      if (answer.status === NOT_FOUND) return 'sourceGone';
      if (answer.status === PRECONDITION_FAILED) return 'targetExists';
      const progress = answer.body as { done?: boolean; rewriteToken?: string; resource?: unknown };
      if (progress.done) return answeredObject('objects.rewrite', progress.resource);
      rewriteToken = progress.rewriteToken;
      if (!rewriteToken) {
        throw new StorageError('objects.rewrite', {
          status: 0,
          reason: 'malformedAnswer',
          message: 'no token',
        });
      }
    }
  }

  /**
   * Composes up to 32 objects of this bucket into one that must not exist, inside Cloud Storage. The sources are kept.
   * https://cloud.google.com/storage/docs/json_api/v1/objects/compose
   */
  async compose(
    name: string,
    sources: readonly string[],
    options: InsertOptions,
  ): Promise<StoredObject | 'sourceGone' | 'targetExists'> {
    const answer = await this.#json({
      operation: 'objects.compose',
      method: 'POST',
      url: `${this.#path(name)}/compose`,
      query: { ifGenerationMatch: 0 },
      body: {
        json: {
          sourceObjects: sources.map((source) => ({ name: source })),
          destination: { contentType: options.contentType, metadata: options.metadata ?? {} },
        },
      },
      expect: [NOT_FOUND, PRECONDITION_FAILED],
    });
    if (answer.status === NOT_FOUND) return 'sourceGone';
    if (answer.status === PRECONDITION_FAILED) return 'targetExists';
    return answeredObject('objects.compose', answer.body);
  }

  /**
   * Opens a resumable session in which a client sends exactly `size` bytes to a name that must not exist. Its URI is a
   * bearer token, valid for a week.
   * @param origin origin of the web page that sends the bytes, for Cloud Storage's CORS responses
   * https://cloud.google.com/storage/docs/performing-resumable-uploads
   */
  async openSession(
    name: string,
    { size, origin, ...options }: InsertOptions & { size: number; origin?: string | undefined },
  ): Promise<string> {
    const headers = defined({ 'x-upload-content-length': String(size), origin });
    return this.#inserts.startSession(name, options, { headers });
  }

  /** Cancels a session and discards its bytes. Succeeds if the session is already over. */
  async cancelSession(uri: string): Promise<void> {
    await retrying(this.#retry, undefined, () => this.#inserts.session(uri).cancel());
  }

  /**
   * Deletes one generation.
   * @returns false if its metadata is no longer at `metageneration`; true if the generation does not exist
   */
  async delete(
    name: string,
    version: Version & { readonly metageneration?: Metageneration },
    signal?: AbortSignal,
  ): Promise<boolean> {
    await this.#untilWritable(version, signal);
    const answer = await this.#json({
      operation: 'objects.delete',
      method: 'DELETE',
      url: this.#path(name),
      query: { generation: version.generation, ifMetagenerationMatch: version.metageneration },
      expect: [NOT_FOUND, PRECONDITION_FAILED],
      signal,
    });
    return answer.status !== PRECONDITION_FAILED;
  }

  /** Returns one page, sorted by name (UTF-8 bytes). */
  async list(options: ListOptions): Promise<{ objects: StoredObject[]; nextPageToken: string | undefined }> {
    const { prefix, startOffset, endOffset, pageToken, maxResults, signal } = options;
    const answer = await this.#json({
      operation: 'objects.list',
      method: 'GET',
      url: this.#path(),
      query: { prefix, startOffset, endOffset, pageToken, maxResults },
      signal,
    });
    const page = answer.body as { items?: unknown[]; nextPageToken?: string } | undefined;
    return {
      objects: (page?.items ?? []).map((item) => answeredObject('objects.list', item)),
      nextPageToken: page?.nextPageToken,
    };
  }

  /**
   * Returns the same as `stat`, but needs only the permission to list: an account that creates objects may not be allowed to read
   * them.
   */
  async #find(name: string): Promise<StoredObject | undefined> {
    const { objects } = await this.list({ prefix: name, maxResults: 1 });
    return objects.find((object) => object.name === name);
  }

  /** The clocks may differ: waits about one second at most. A refused write is retried. */
  async #untilWritable({ updated }: Version, signal?: AbortSignal): Promise<void> {
    if (!this.#paced || !updated) return;
    const left = updated.getTime() + WRITE_INTERVAL_MS - Date.now();
    if (left > 0) await (this.#retry.pause ?? timer)(Math.min(left, WRITE_INTERVAL_MS), signal);
  }

  /** `/storage/v1/b/BUCKET/o/NAME`: a name may contain any character, so it is fully escaped. */
  #path(name?: string, root = '/storage/v1'): string {
    const bucket = `${root}/b/${encodeURIComponent(this.name)}/o`;
    return name === undefined ? bucket : `${bucket}/${encodeURIComponent(name)}`;
  }

  #once(call: Omit<Call, 'timeoutMs'>) {
    return this.#transport.json({ ...call, timeoutMs: this.#timeoutMs });
  }

  #json(call: Omit<Call, 'timeoutMs'>) {
    return retrying(this.#retry, call.signal, () => this.#once(call));
  }
}

async function* nothing(): AsyncGenerator<BorrowedBytes, void, undefined> {}
