import type { Blobs } from '../../shared/files/blobs.ts';
import type { Findings } from '../../shared/files/findings.ts';
import { parseSha256, type Sha256 } from '../../shared/files/record.ts';
import { EitherSignal } from '../../shared/runtime/abort.ts';
import type { BorrowedBytes } from '../../shared/runtime/memory.ts';
import type { Bucket } from '../../shared/storage/bucket.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import type { EngineGate } from './engine-gate.ts';
import { type Known, known } from './known.ts';

interface EarlyReadsOptions {
  readonly unscanned: Bucket;
  readonly engine: Pick<EngineGate, 'fit'>;
  readonly blobs: Blobs;
  readonly findings: Findings;
  /** Bytes: a larger file is read once it has a slot. */
  readonly smallBytes: number;
  /** Limit in bytes of all reads that wait at the same time. */
  readonly totalBytes: number;
}

/**
 * Reads small files and what is known of their content concurrently with their records, before they have a slot or are
 * known to need a scan. A round trip to Cloud Storage takes many times as long as their scan, and a slot that waits for
 * one scans nothing. Received bytes are buffered up to a limit.
 */
export class EarlyReads {
  readonly #options: EarlyReadsOptions;
  #taken = 0;

  constructor(options: EarlyReadsOptions) {
    this.#options = options;
  }

  /** @returns undefined if the file must be read once it has a slot. Always dispose the result. */
  begin(object: StoredObject, signal: AbortSignal): EarlyRead | undefined {
    const { smallBytes, totalBytes } = this.#options;
    const { size } = object;
    if (size > smallBytes || this.#taken + size > totalBytes) return undefined;
    this.#taken += size;
    return new EarlyRead(this.#options, object, signal, () => {
      this.#taken -= size;
    });
  }
}

function lookUp(
  blobs: Blobs,
  findings: Findings,
  sha256: Sha256,
  signal: AbortSignal,
): Promise<Known> | undefined {
  const found = blobs.findForAnybody(sha256, signal);
  return found && known(found, findings.get(sha256, signal));
}

type Bytes = AsyncIterable<BorrowedBytes> | undefined;
const OVER = new Error('the early read is over');

/** Bytes being read, for the first caller that takes them. */
export class EarlyRead implements Disposable {
  readonly #size: number;
  readonly #reading: EitherSignal;
  readonly #release: () => void;
  /** Digest from the object's metadata: a hint that only decides what is looked up. */
  readonly #sha256: Sha256 | undefined;
  #known: Promise<Known> | undefined;
  #bytes: Promise<Bytes> | undefined;

  constructor(
    { unscanned, engine, blobs, findings }: EarlyReadsOptions,
    { name, generation, size, metadata }: StoredObject,
    signal: AbortSignal,
    release: () => void,
  ) {
    this.#size = size;
    this.#reading = new EitherSignal(signal);
    this.#release = release;
    const reading = this.#reading.signal;
    this.#sha256 = parseSha256(metadata['sha256'] ?? '');
    this.#known = this.#sha256 && lookUp(blobs, findings, this.#sha256, reading);
    const range = { start: 0, end: size - 1 };
    // No reads while the engine is unfit.
    this.#bytes = engine.fit().then(() => unscanned.read(name, { generation, range, signal: reading }));
    // Errors are reported to the caller that takes the result, if any.
    this.#known?.catch(() => undefined);
    this.#bytes.catch(() => undefined);
  }

  /** @returns undefined if they were taken before, or their number is not `size` */
  takeBytes(size: number): Promise<Bytes> | undefined {
    if (size !== this.#size) return undefined;
    const bytes = this.#bytes;
    this.#bytes = undefined;
    return bytes;
  }

  /** @returns undefined if it was not looked up, or was taken before */
  takeKnown(sha256: Sha256): Promise<Known> | undefined {
    if (sha256 !== this.#sha256) return undefined;
    const known = this.#known;
    this.#known = undefined;
    return known;
  }

  [Symbol.dispose](): void {
    this.#reading.abort(OVER);
    this.#reading[Symbol.dispose]();
    this.#release();
  }
}
