import { Problem } from '../../shared/http/problems.ts';
import type { BorrowedBytes } from '../../shared/runtime/memory.ts';
import type { GiveWay } from './give-way.ts';

/** Milliseconds. */
export interface Silence {
  /** Bytes that arrived are stored after so long without a byte: a successor in another process sends only the rest. */
  readonly storeMs: number;
  /** A request looks whether the upload went on without it after so long without the first byte of a segment. */
  readonly lookMs: number;
  /** A request whose successor waits is over after so long without a byte. */
  readonly endMs: number;
}

export const SILENCE: Silence = { storeMs: 2_000, lookMs: 30_000, endMs: 100 };

interface SegmentLimits {
  /** Maximum number of bytes in all. */
  readonly atMost: number;
  /**
   * A body that ends too early is taken for what arrived of it, and why it ended is told by {@link BodySegments.cut}.
   * Only then does a segment end where nothing arrives.
   */
  readonly keepsCut: boolean;
  readonly silence: Silence;
  readonly way?: GiveWay | undefined;
}

/** The body of one request, divided into segments. */
export class BodySegments {
  readonly #pieces: AsyncIterator<BorrowedBytes>;
  readonly #limits: SegmentLimits;
  /** The pending read, if any. */
  #coming: Promise<IteratorResult<BorrowedBytes>> | undefined;
  #rest: BorrowedBytes | undefined;
  #arrived = 0;
  #over = false;
  #cut: unknown;

  constructor(bytes: AsyncIterable<BorrowedBytes>, limits: SegmentLimits) {
    this.#pieces = bytes[Symbol.asyncIterator]();
    this.#limits = limits;
  }

  /** All of it was taken. */
  get over(): boolean {
    return this.#over;
  }

  get cut(): unknown {
    return this.#cut;
  }

  /** The next bytes. Once it has ended, {@link over} is right. */
  async *take(limit: number): AsyncGenerator<BorrowedBytes, void, undefined> {
    for (let left = limit; ; ) {
      const piece = this.#rest ?? (await this.#next(left < limit));
      if (piece === 'silent') return;
      this.#rest = piece;
      if (!piece || left === 0) return;
      const taken = piece.subarray(0, left);
      this.#rest = taken.length < piece.length ? piece.subarray(taken.length) : undefined;
      left -= taken.length;
      yield taken;
    }
  }

  async #next(begun: boolean): Promise<BorrowedBytes | 'silent' | undefined> {
    let piece: BorrowedBytes | undefined;
    try {
      const next = await this.#arriving(begun);
      if (next === 'silent') return next;
      piece = next.done ? undefined : next.value;
    } catch (error) {
      if (!this.#limits.keepsCut) throw error;
      this.#cut = error;
    }
    this.#over = piece === undefined;
    if (this.#over) this.#limits.way?.end();
    this.#arrived += piece?.length ?? 0;
    if (this.#arrived > this.#limits.atMost) throw new Problem('upload-too-long');
    return piece;
  }

  /** @throws {Problem} `upload-offset` where a successor is there and nothing arrives; what the body throws */
  async #arriving(begun: boolean): Promise<IteratorResult<BorrowedBytes> | 'silent'> {
    const { keepsCut, silence, way } = this.#limits;
    for (;;) {
      this.#coming ??= this.#pieces.next();
      const urgency = way?.urgency ?? 'no';
      if (urgency === 'now') throw new Problem('upload-offset');
      const patienceMs = begun ? silence.storeMs : silence.lookMs;
      const waitMs = urgency === 'no' ? patienceMs : Math.min(silence.endMs, patienceMs);
      const next = await first(this.#coming, waitMs, way);
      if (next === 'changed') continue;
      if (next === 'silent' && urgency !== 'no') throw new Problem('upload-offset');
      if (next === 'silent' && !keepsCut) continue;
      if (next !== 'silent') this.#coming = undefined;
      return next;
    }
  }
}

/** Returns the result, or the reason why waiting ended. Removes its listeners. */
async function first<Result>(
  result: Promise<Result>,
  withinMs: number,
  way: GiveWay | undefined,
): Promise<Result | 'silent' | 'changed'> {
  const { promise, resolve, reject } = Promise.withResolvers<Result | 'silent' | 'changed'>();
  const timer = setTimeout(() => resolve('silent'), withinMs);
  way?.onChange(() => resolve('changed'));
  result.then(resolve, reject);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
