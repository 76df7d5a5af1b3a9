import { randomBytes } from 'node:crypto';

/** The EICAR test file, harmless and found by every scanner; in two parts, so that this file is not it. */
export const EICAR = textBytes(`X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-${'STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'}`);

/** A zip with one file, `a.txt`, encrypted by the traditional PKWARE cipher; the password is `verify`. */
const ENCRYPTED_ZIP =
  'UEsDBBQAAQAAAAAAIQDek2t/MwAAACcAAAAFAAAAYS50eHRA+BZrZcy75nUL9Ui0RV6XiVuMqUh4Xo0dDWELMHy5tLaXdk3ge8LST+DpXUB6du13eU1QSwECFAAUAAEAAAAAACEA3pNrfzMAAAAnAAAABQAAAAAAAAAAAAAAAAAAAAAAYS50eHRQSwUGAAAAAAEAAQAzAAAAVgAAAAAA';

/** Different in each run, so that none is decided by the scan of another: a zip may end with a comment. */
export function encryptedZip(): Uint8Array<ArrayBuffer> {
  const zip = Buffer.from(ENCRYPTED_ZIP, 'base64');
  const comment = Buffer.from(randomBytes(16).toString('hex'));
  zip.writeUInt16LE(comment.length, zip.length - 2);
  return new Uint8Array(Buffer.concat([zip, comment]));
}

/** Bytes that no other run has, so that they are scanned; no media type begins like them. */
export function freshBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  // Random data is slow to make; a block of it with a counter in each copy is never the same twice.
  const block = randomBytes(Math.min(length, 1024 * 1024));
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < length; at += block.length) {
    bytes.set(block.subarray(0, length - at), at);
    if (length - at >= 8) view.setUint32(at, at);
  }
  bytes[0] = 0;
  return bytes;
}

export function textBytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
