import { Readable } from 'node:stream';

/** `size` bytes of 0, in new chunks, so that a test of memory sees those that are kept. */
export async function* zeros(size: number, chunkSize = 65_536): AsyncGenerator<Buffer> {
  for (let left = size; left > 0; left -= chunkSize) yield Buffer.alloc(Math.min(left, chunkSize));
}

export async function* chunks(...all: readonly (Uint8Array | string)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of all) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}

/** Gives the chunks, and then nothing more until it is destroyed. */
export function stalling(...all: readonly Uint8Array[]): Readable {
  const left = [...all];
  return new Readable({
    read() {
      const chunk = left.shift();
      if (chunk !== undefined) this.push(chunk);
    },
  });
}
