import { createHash, type Hash, randomUUID } from 'node:crypto';
import { crc32c } from '@node-rs/crc32';
import { combineCrc32c, decodeCrc32c, encodeCrc32c } from './crc32c.ts';
import { StorageError } from './error.ts';
import { type Checksums, ChecksumTally, type Digests } from './tally.ts';

/** A SHA-256 that can be gone on with. */
interface Sha256 {
  update(bytes: Uint8Array): unknown;
  digest(encoding: 'hex'): string;
  save(): string;
}

/** What a saved state begins with that is held here and not in what was saved; in base64 there is none of it. */
const HELD = '@';
/** Stands for a SHA-256 that cannot be gone on with. */
const LOST = '-';
/** Of some hundred bytes each. One that is dropped is taken for one of another process. */
const MOST_HELD = 1_000;
/** Bytes: more are not read again. Whoever is one of several meets what another began long before. */
const MOST_REREAD = 256 * 1024 * 1024;

/**
 * Goes on with tallies that are saved between the requests of an upload, for this process or another to go on with. Node's own
 * SHA-256 cannot leave its process: it is held here, and what is saved names it. Who does not hold it reads the bytes
 * again, once, with a SHA-256 whose state can be saved, and that is what the upload has from then on: it takes about six
 * times as long. docs/adr/0015
 */
export class RunningTallies {
  readonly #held = new Map<string, Hash>();

  /**
   * @param saved what {@link RunningTally.save} returned after `size` bytes; empty where nobody has begun
   * @param reread those bytes, as many of them as there are
   * @returns a tally without digests where no more is to be had
   */
  async resume(saved: string, size: number, reread: () => AsyncIterable<Uint8Array>): Promise<RunningTally> {
    if (size === 0 && saved === '') return new RunningTally(this.#holding(createHash('sha256')), 0, 0);
    const [crc = '', state = '', seal] = saved.split('.');
    const checksum = Number.parseInt(crc, 16);
    if (seal !== sealOf(size, `${crc}.${state}`)) return new RunningTally(undefined, 0, size);
    if (!state.startsWith(HELD)) return new RunningTally(await carried(state), checksum, size);
    const hash = this.#held.get(state);
    if (hash) return new RunningTally(this.#holding(hash.copy()), checksum, size);
    if (size > MOST_REREAD) return new RunningTally(undefined, checksum, size);
    const tally = new RunningTally(await carried(), 0, 0);
    await tally.replay(reread, { size, crc32c: encodeCrc32c(checksum) });
    return tally;
  }

  #holding(hash: Hash): Sha256 {
    return {
      update: (bytes) => hash.update(bytes),
      digest: (encoding) => hash.digest(encoding),
      save: () => {
        const name = HELD + randomUUID();
        this.#held.set(name, hash);
        const [oldest] = this.#held.keys();
        if (this.#held.size > MOST_HELD && oldest !== undefined) this.#held.delete(oldest);
        return name;
      },
    };
  }
}

/** The digests of a stream that arrives in several requests. */
export class RunningTally {
  #sha256: Sha256 | undefined;
  #crc32c: number;
  #size: number;

  /** @param sha256 of `size` bytes; undefined where it was lost on the way */
  constructor(sha256: Sha256 | undefined, checksum: number, size: number) {
    this.#sha256 = sha256;
    this.#crc32c = checksum;
    this.#size = size;
  }

  get size(): number {
    return this.#size;
  }

  /** The bytes count once {@link add} says what their checksum is: whoever sends them somewhere takes it anyway. */
  update(bytes: Uint8Array): void {
    this.#sha256?.update(bytes);
  }

  /** @param checksums of the bytes since the tally was gone on with */
  add({ size, crc32c }: Checksums): void {
    this.#size += size;
    this.#crc32c = combineCrc32c(this.#crc32c, decodeCrc32c(crc32c), size);
  }

  /**
   * Adds bytes that were stored before. Where they cannot be read, are others now, or too many to be read again,
   * there are no digests from then on.
   */
  async replay(reread: () => AsyncIterable<Uint8Array>, stored: Checksums): Promise<void> {
    const isWorthIt = this.#sha256 !== undefined && stored.size <= MOST_REREAD;
    const isSame = stored.size === 0 || (isWorthIt && (await this.#sees(reread(), stored)));
    if (!isSame) this.#sha256 = undefined;
    this.add(stored);
  }

  async #sees(bytes: AsyncIterable<Uint8Array>, stored: Checksums): Promise<boolean> {
    const found = new ChecksumTally();
    try {
      for await (const piece of bytes) {
        found.update(piece);
        this.update(piece);
      }
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      return false;
    }
    return found.size === stored.size && found.digests().crc32c === stored.crc32c;
  }

  /** At most 180 characters of ASCII, whatever the size. Nothing can be added afterwards. */
  save(): string {
    const state = `${this.#crc32c.toString(16)}.${this.#sha256?.save() ?? LOST}`;
    return `${state}.${sealOf(this.#size, state)}`;
  }

  /** Ends the tally. Undefined where its SHA-256 was lost on the way. */
  digests(): Digests | undefined {
    if (!this.#sha256) return undefined;
    const sha256 = this.#sha256.digest('hex');
    return { size: this.#size, sha256, crc32c: encodeCrc32c(this.#crc32c) };
  }
}

/** Tells a state that was damaged, or is not of so many bytes: a digest that is gone on with from it would be wrong. */
function sealOf(size: number, state: string): string {
  return crc32c(`${size}.${state}`).toString(16);
}

/** @returns undefined where no such state was saved, or by another version of the library */
async function carried(state?: string): Promise<Sha256 | undefined> {
  if (state === LOST) return undefined;
  // Loaded when first used: where an upload stays in one process, it never is.
  const { createSHA256 } = await import('hash-wasm');
  const hasher = await createSHA256();
  if (state === undefined) hasher.init();
  else {
    try {
      hasher.load(Buffer.from(state, 'base64'));
    } catch {
      return undefined;
    }
  }
  return {
    update: (bytes) => hasher.update(bytes),
    digest: (encoding) => hasher.digest(encoding),
    save: () => Buffer.from(hasher.save()).toString('base64'),
  };
}
