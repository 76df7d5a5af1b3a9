/** CRC32C's polynomial, reflected. Source: RFC 3720 appendix B.4. */
const POLYNOMIAL = 0x82f63b78;
const BITS = 32;

/** A linear map of 32 bits to 32 bits: the images of the single bits, the lowest first. */
type Matrix = Uint32Array;

/** A CRC32C as Cloud Storage writes it: big-endian, in base64. */
export function encodeCrc32c(checksum: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(checksum >>> 0);
  return bytes.toString('base64');
}

export function decodeCrc32c(text: string): number {
  return Buffer.from(text, 'base64').readUInt32BE();
}

/**
 * The CRC32C of two contents one behind the other: the first is moved over as many zeros as the second has bytes, by
 * squaring the map of one zero. The file share reckons it otherwise (shared/storage/crc32c.ts), so that neither hides a
 * fault of the other.
 * @param secondSize bytes
 */
export function combineCrc32c(first: number, second: number, secondSize: number): number {
  let zeros = squared(squared(squared(oneZeroBit())));
  let moved = first;
  for (let size = secondSize; size > 0; size = Math.floor(size / 2)) {
    if (size % 2 === 1) moved = apply(zeros, moved);
    zeros = squared(zeros);
  }
  return (moved ^ second) >>> 0;
}

function oneZeroBit(): Matrix {
  return Uint32Array.from({ length: BITS }, (_, bit) => (bit === 0 ? POLYNOMIAL : 1 << (bit - 1)));
}

function squared(matrix: Matrix): Matrix {
  return matrix.map((column) => apply(matrix, column));
}

function apply(matrix: Matrix, vector: number): number {
  return matrix.reduce((sum, column, bit) => (vector & (1 << bit) ? sum ^ column : sum), 0) >>> 0;
}
