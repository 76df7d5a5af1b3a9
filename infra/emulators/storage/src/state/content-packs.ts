import { closeSync, openSync, rmSync, writevSync } from 'node:fs';
import { join } from 'node:path';

/** Contents of at most so many bytes are packed. */
export const PACKED = 64 * 1024;
const PACK_BYTES = 64 * 1024 * 1024;

/**
 * Small contents, many to a file: to create a file can take a millisecond, to append to one takes
 * microseconds. A pack goes when nothing in it is held any more.
 */
export class ContentPacks {
  readonly #folder: string;
  readonly #live = new Map<number, number>();
  #number = 0;
  #file: number | undefined;
  #length = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @returns the pack and the byte at which the content starts; undefined where it is in no pack */
  locate(content: string): { readonly path: string; readonly offset: number } | undefined {
    const [, pack, offset] = /^(pack-\d+)-(\d+)$/.exec(content) ?? [];
    return pack === undefined ? undefined : { path: join(this.#folder, pack), offset: Number(offset) };
  }

  /** @returns the id of the content */
  append(chunks: readonly Buffer[]): string {
    if (this.#file === undefined || this.#length >= PACK_BYTES) this.#next();
    const file = this.#file ?? 0;
    const offset = this.#length;
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const written = writevSync(file, [...chunks], offset);
    if (written !== bytes) throw new Error(`wrote ${written} of ${bytes} bytes: disk full?`);
    this.#length += bytes;
    return `pack-${this.#number}-${offset}`;
  }

  hold(content: string): void {
    const pack = packOf(content);
    if (pack !== undefined) this.#live.set(pack, (this.#live.get(pack) ?? 0) + 1);
  }

  release(content: string): void {
    const pack = packOf(content);
    if (pack === undefined) return;
    const live = (this.#live.get(pack) ?? 0) - 1;
    this.#live.set(pack, live);
    if (live === 0 && pack < this.#number) this.#remove(pack);
  }

  /** Takes up a folder: packs are appended to in one run only, and the empty ones go. */
  adopt(files: readonly string[]): void {
    for (const file of files) {
      const pack = packOf(file);
      if (pack === undefined) continue;
      this.#number = Math.max(this.#number, pack);
      if ((this.#live.get(pack) ?? 0) === 0) this.#remove(pack);
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #next(): void {
    const full = this.#number;
    this.close();
    this.#number += 1;
    this.#length = 0;
    this.#file = openSync(join(this.#folder, `pack-${this.#number}`), 'wx');
    if (this.#live.get(full) === 0) this.#remove(full);
  }

  #remove(pack: number): void {
    this.#live.delete(pack);
    rmSync(join(this.#folder, `pack-${pack}`), { force: true });
  }
}

function packOf(content: string): number | undefined {
  const [, number] = /^pack-(\d+)/.exec(content) ?? [];
  return number === undefined ? undefined : Number(number);
}
