import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { crc32c } from '@node-rs/crc32';

/** CRC32C's polynomial, reflected. Source: RFC 3720 appendix B.4. */
const POLYNOMIAL = 0x82f63b78;
const ONE = 0x80000000;

/** The CRC32C (base64) of bytes one behind the other, from those of both and the size of the second. As zlib's crc32_combine. */
export function combineCrc32c(first: string, second: string, secondSize: number): string {
  const [before, after] = [first, second].map((text) => Buffer.from(text, 'base64').readUInt32BE());
  let shift = ONE;
  let power = 0x00800000; // x to the 8th, for a byte; squared for each bit of the size
  for (let size = secondSize; size > 0; size = Math.floor(size / 2)) {
    if (size % 2 === 1) shift = multiply(power, shift);
    power = multiply(power, power);
  }
  return encode(multiply(shift, before ?? 0) ^ (after ?? 0));
}

/** Of polynomials over GF(2), modulo {@link POLYNOMIAL}; the highest bit is the constant. */
function multiply(left: number, right: number): number {
  let [product, factor] = [0, right];
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if (left & bit) product ^= factor;
    factor = factor & 1 ? (factor >>> 1) ^ POLYNOMIAL : factor >>> 1;
  }
  return product >>> 0;
}

function encode(crc: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc >>> 0);
  return bytes.toString('base64');
}

/** The running checksums of a content. */
export class ContentDigest {
  #size = 0;
  #crc = 0;
  readonly #md5: Hash | undefined;

  /** @param withMd5 MD5 takes several times as long as all the rest of an upload */
  constructor(withMd5: boolean) {
    this.#md5 = withMd5 ? createHash('md5') : undefined;
  }

  get size(): number {
    return this.#size;
  }

  /** Base64 of the big-endian CRC32C, as resources and `x-goog-hash` carry it. */
  get crc32c(): string {
    return encode(this.#crc);
  }

  update(chunk: Buffer): void {
    this.#crc = crc32c(chunk, this.#crc);
    this.#md5?.update(chunk);
    this.#size += chunk.length;
  }

  /** Base64, if it was asked for; afterwards nothing more can be added. */
  md5Hash(): string | undefined {
    return this.#md5?.digest('base64');
  }

  /** The digest of what a file holds, to go on from after a restart. */
  static async ofFile(path: string, withMd5: boolean): Promise<ContentDigest> {
    const digest = new ContentDigest(withMd5);
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) digest.update(chunk);
    return digest;
  }
}
