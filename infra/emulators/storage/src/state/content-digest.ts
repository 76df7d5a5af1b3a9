import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { crc32c } from '@node-rs/crc32';
import { encodeCrc32c } from './crc32c.ts';

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
    return encodeCrc32c(this.#crc);
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
