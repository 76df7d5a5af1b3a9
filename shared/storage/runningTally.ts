import { createHash, type Hash, randomUUID } from 'node:crypto';
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
/** What {@link RunningTally.save} returns of no byte, wherever it is gone on with. */
export const NOTHING_TALLIED = `0.${HELD}`;
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
   * @param saved what {@link RunningTally.save} returned after `size` bytes
   * @param reread those bytes, as many of them as there are
   * @returns a tally without digests where no more is to be had
   */
  async resume(saved: string, size: number, reread: () => AsyncIterable<Uint8Array>): Promise<RunningTally> {
    if (size === 0) return new RunningTally(this.#holding(createHash('sha256')), 0, 0);
    const [crc = '', state = ''] = saved.split('.');
    const checksum = Number.parseInt(crc, 16);
    if (!state.startsWith(HELD)) return new RunningTally(await carried(state), checksum, size);
    const hash = this.#held.get(state);
    if (hash) return new RunningTally(this.#holding(hash.copy()), checksum, size);
    if (size > MOST_REREAD) return new RunningTally(undefined, checksum, size);
    return tallied(reread(), checksum, size);
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
  readonly #sha256: Sha256 | undefined;
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

  /** At most 170 characters of ASCII, whatever the size. Nothing can be added afterwards. */
  save(): string {
    return `${this.#crc32c.toString(16)}.${this.#sha256?.save() ?? LOST}`;
  }

  /** Ends the tally. Undefined where its SHA-256 was lost on the way. */
  digests(): Digests | undefined {
    if (!this.#sha256) return undefined;
    const sha256 = this.#sha256.digest('hex');
    return { size: this.#size, sha256, crc32c: encodeCrc32c(this.#crc32c) };
  }
}

/** A tally that any process can go on with, of bytes that are to be as they were before. */
async function tallied(
  bytes: AsyncIterable<Uint8Array>,
  checksum: number,
  size: number,
): Promise<RunningTally> {
  const sha256 = await carried();
  const found = new ChecksumTally();
  try {
    for await (const piece of bytes) {
      found.update(piece);
      sha256?.update(piece);
    }
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
  }
  const same = found.size === size && found.digests().crc32c === encodeCrc32c(checksum);
  return new RunningTally(same ? sha256 : undefined, checksum, size);
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
