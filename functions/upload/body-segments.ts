import { Problem } from '../../shared/http/problems.ts';

/** The body of one request, taken in segments. */
export class BodySegments {
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #atMost: number;
  readonly #keepsCut: boolean;
  #rest: Uint8Array | undefined;
  #arrived = 0;
  #over = false;
  #cut: unknown;

  /**
   * @param limits `atMost` bytes may come in all; `keepsCut` where a body that ends too early is taken for what
   *   arrived of it, and why it ended is told by {@link cut}
   */
  constructor(bytes: AsyncIterable<Uint8Array>, limits: { atMost: number; keepsCut: boolean }) {
    this.#pieces = bytes[Symbol.asyncIterator]();
    this.#atMost = limits.atMost;
    this.#keepsCut = limits.keepsCut;
  }

  /** All of it was taken. */
  get over(): boolean {
    return this.#over;
  }

  get cut(): unknown {
    return this.#cut;
  }

  /** The next bytes. Once it has ended, {@link over} is right. */
  async *take(limit: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let left = limit; ; ) {
      const piece = this.#rest ?? (await this.#next());
      this.#rest = piece;
      if (!piece || left === 0) return;
      const taken = piece.subarray(0, left);
      this.#rest = taken.length < piece.length ? piece.subarray(taken.length) : undefined;
      left -= taken.length;
      yield taken;
    }
  }

  async #next(): Promise<Uint8Array | undefined> {
    let piece: Uint8Array | undefined;
    try {
      const { done, value } = await this.#pieces.next();
      piece = done ? undefined : value;
    } catch (error) {
      if (!this.#keepsCut) throw error;
      this.#cut = error;
    }
    this.#over = piece === undefined;
    this.#arrived += piece?.length ?? 0;
    if (this.#arrived > this.#atMost) throw new Problem('upload-too-long');
    return piece;
  }
}
