import type { FileSource } from '../../../../client/src/index.ts';

const BYTES_A_SECOND = 1024 * 1024;
const PIECE = 64 * 1024;

/** The same file for the client, also where it was begun at full speed, but one that is read slowly. */
export function slowly(file: File): FileSource {
  const { name, size, type, lastModified } = file;
  return {
    name,
    size,
    type: type || undefined,
    fingerprint: [name, size, lastModified].join('/'),
    async *open() {
      for (let at = 0; at < size; at += PIECE) {
        await new Promise((resolve) => setTimeout(resolve, (PIECE / BYTES_A_SECOND) * 1000));
        yield new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer());
      }
    },
  };
}
