import { crc32c } from '@node-rs/crc32';
import { createSHA256, type IHasher } from 'hash-wasm';
import type { Digests } from './tally.ts';

/** Stands for a SHA-256 that cannot be gone on with. */
const LOST = '-';

/**
 * The digests of a {@link Tally} that another process can go on with: Node's own hashes cannot be saved. It
 * takes about six times as long (docs/adr/0015), so a stream that arrives whole is better tallied by that one.
 */
export class RunningTally {
  /** Undefined where it was saved by another version of its library: the digest is not to be had then. */
  readonly #sha256: IHasher | undefined;
  #crc32c: number;
  #size: number;

  private constructor(sha256: IHasher | undefined, crc: number, size: number) {
    this.#sha256 = sha256;
    this.#crc32c = crc;
    this.#size = size;
  }

  /**
   * @param saved what {@link save} returned, after `size` bytes
   */
  static async resume(saved: string, size: number): Promise<RunningTally> {
    const [crc = '', state = ''] = saved.split('.');
    const sha256 = await createSHA256();
    try {
      sha256.load(Buffer.from(state, 'base64'));
      return new RunningTally(sha256, Number.parseInt(crc, 16), size);
    } catch {
      return new RunningTally(undefined, 0, size);
    }
  }

  static async begin(): Promise<RunningTally> {
    return new RunningTally((await createSHA256()).init(), 0, 0);
  }

  get size(): number {
    return this.#size;
  }

  update(bytes: Uint8Array): void {
    this.#size += bytes.length;
    this.#sha256?.update(bytes);
    this.#crc32c = crc32c(bytes, this.#crc32c);
  }

  /** About 170 characters of ASCII, whatever the size. */
  save(): string {
    if (!this.#sha256) return LOST;
    return `${this.#crc32c.toString(16)}.${Buffer.from(this.#sha256.save()).toString('base64')}`;
  }

  /** Ends the tally. Undefined where a state was lost on the way. */
  digests(): Digests | undefined {
    if (!this.#sha256) return undefined;
    const crc = Buffer.alloc(4);
    crc.writeUInt32BE(this.#crc32c);
    return { size: this.#size, sha256: this.#sha256.digest('hex'), crc32c: crc.toString('base64') };
  }
}
