/** CRC32C's polynomial, reflected. Source: RFC 3720 appendix B.4. */
const POLYNOMIAL = 0x82f63b78;
const ONE = 0x80000000;

/** A CRC32C as Cloud Storage writes it: big-endian, in base64. */
export function encodeCrc32c(checksum: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(checksum >>> 0);
  return bytes.toString('base64');
}

export function decodeCrc32c(text: string): number {
  return Buffer.from(text, 'base64').readUInt32BE();
}

/** The CRC32C of bytes one behind the other, from those of both and the size of the second. As zlib's crc32_combine. */
export function combineCrc32c(first: number, second: number, secondSize: number): number {
  let shift = ONE;
  let power = 0x00800000; // x to the 8th, for a byte; squared for each bit of the size
  for (let size = secondSize; size > 0; size = Math.floor(size / 2)) {
    if (size % 2 === 1) shift = multiply(power, shift);
    power = multiply(power, power);
  }
  return (multiply(shift, first) ^ second) >>> 0;
}

/** Product of polynomials over GF(2), modulo {@link POLYNOMIAL}; the highest bit is the constant. */
function multiply(left: number, right: number): number {
  let [product, factor] = [0, right];
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if (left & bit) product ^= factor;
    factor = factor & 1 ? (factor >>> 1) ^ POLYNOMIAL : factor >>> 1;
  }
  return product >>> 0;
}
