import { createHash, type Hash } from 'node:crypto';
import type { FileId } from '../../shared/files/file-id.ts';
import type { Chain } from '../../shared/files/parts.ts';

/** Number of entries of some hundred bytes each. One that is dropped is left to the scanner. */
const MOST_HELD = 1_000;

/**
 * The SHA-256 of tus uploads as far as this process has seen all of their bytes go by. Its state cannot leave the
 * process: where an upload goes on in another one, the scanner finds its digest. docs/adr/0015
 */
export class HeldDigests {
  readonly #held = new Map<FileId, { readonly generation: string; readonly sha256: Hash }>();

  /** @returns a SHA-256 of all bytes of the chain, to continue with; undefined where it is not held here */
  resume(id: FileId, { parts }: Chain): Hash | undefined {
    const last = parts.at(-1);
    if (!last) return createHash('sha256');
    const held = this.#held.get(id);
    // Generations are never reused, so these are the bytes that were hashed.
    return held?.generation === last.generation ? held.sha256.copy() : undefined;
  }

  /** @param sha256 of all bytes of the chain; it is not updated any more */
  hold(id: FileId, { parts }: Chain, sha256: Hash): void {
    const last = parts.at(-1);
    if (!last) return;
    this.#held.delete(id);
    this.#held.set(id, { generation: last.generation, sha256 });
    const [oldest] = this.#held.keys();
    if (this.#held.size > MOST_HELD && oldest !== undefined) this.#held.delete(oldest);
  }
}
