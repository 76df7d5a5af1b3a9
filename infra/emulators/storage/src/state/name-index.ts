import { compareNames } from './name-order.ts';

/** Small enough that an insert moves little, large enough that the list of blocks stays short. */
const BLOCK = 1024;

/** The names of a bucket in listing order: a list of sorted blocks, so that an insert sorts nothing. */
export class NameIndex {
  readonly #blocks: string[][] = [];

  add(name: string): void {
    const reached = (other: string): boolean => compareNames(other, name) >= 0;
    const at = Math.min(this.#block(reached), Math.max(0, this.#blocks.length - 1));
    const block = this.#blocks[at];
    if (block === undefined) {
      this.#blocks.push([name]);
      return;
    }
    const position = firstIn(block, reached);
    if (block[position] === name) return;
    block.splice(position, 0, name);
    if (block.length > 2 * BLOCK) this.#blocks.splice(at + 1, 0, block.splice(BLOCK));
  }

  delete(name: string): void {
    const reached = (other: string): boolean => compareNames(other, name) >= 0;
    const at = this.#block(reached);
    const block = this.#blocks[at];
    if (block === undefined) return;
    const position = firstIn(block, reached);
    if (block[position] !== name) return;
    block.splice(position, 1);
    if (block.length === 0) this.#blocks.splice(at, 1);
  }

  /** The names from the first for which `reached` holds; it must stay true from there on. */
  *from(reached: (name: string) => boolean): Generator<string, void> {
    const start = this.#block(reached);
    for (let at = start; at < this.#blocks.length; at += 1) {
      const block = this.#blocks[at] ?? [];
      const first = at === start ? firstIn(block, reached) : 0;
      for (let position = first; position < block.length; position += 1) yield block[position] ?? '';
    }
  }

  /** Index of the first block whose last name has been reached; the number of blocks when none has. */
  #block(reached: (name: string) => boolean): number {
    return bisect(this.#blocks.length, (at) => reached(this.#blocks[at]?.at(-1) ?? ''));
  }
}

const firstIn = (block: readonly string[], reached: (name: string) => boolean): number =>
  bisect(block.length, (at) => reached(block[at] ?? ''));

/** The first index below `length` for which `holds` is true, or `length`. */
function bisect(length: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
