import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { BorrowedBytes } from '../../shared/runtime/memory.ts';

/** Bytes; a longer file needs Zip64. */
export const MAX_ZIPPED_BYTES = 0xffff_0000;

const VERSION = 20;
/** Encrypted, sizes behind the bytes (APPNOTE 4.4.4). */
const FLAGS = 0b1001;
/** 1980-01-01. */
const DATE = 0x21;
/** Bytes of the encryption header. */
const HEADER = 12;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/**
 * An archive of one file under a password, as analysts exchange malware so that no scanner or mail gateway takes it, and nobody
 * opens it by mistake. It keeps nothing secret: the cipher is PKWARE's traditional one (APPNOTE 6.1), which every unpacker knows.
 * Streamed: one chunk is in memory.
 * @param bytes at most {@link MAX_ZIPPED_BYTES}
 * @throws what `bytes` throws
 */
export async function* protectedZip(
  name: string,
  bytes: AsyncIterable<BorrowedBytes>,
  password: string,
): AsyncGenerator<Buffer, void, undefined> {
  const cipher = new ZipCipher(password);
  const file = Buffer.from(name);
  yield Buffer.concat([Buffer.from('PK\x03\x04'), common(file, { crc: 0, size: 0, packed: 0 }), file]);
  // The last byte is the high one of the time, which is 0: an unpacker recognises the password by it.
  const header = randomBytes(HEADER);
  header[HEADER - 1] = 0;
  yield cipher.encrypt(header);
  let crc = 0;
  let size = 0;
  for await (const piece of bytes) {
    crc = crc32(piece, crc);
    size += piece.length;
    yield cipher.encrypt(piece);
  }
  const descriptor = Buffer.alloc(12);
  descriptor.writeUInt32LE(crc, 0);
  descriptor.writeUInt32LE(size + HEADER, 4);
  descriptor.writeUInt32LE(size, 8);
  yield Buffer.concat([Buffer.from('PK\x07\x08'), descriptor]);
  const directory = Buffer.concat([
    Buffer.from('PK\x01\x02'),
    Buffer.from([VERSION, 0]),
    common(file, { crc, size, packed: size + HEADER }),
    Buffer.alloc(14),
    file,
  ]);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(1, 4);
  end.writeUInt16LE(1, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(4 + 26 + file.length + HEADER + size + 16, 12);
  yield Buffer.concat([directory, Buffer.from('PK\x05\x06'), end]);
}

/** Fields that the local header and the directory share, from "version needed" to "extra field length" (APPNOTE 4.3.7). */
function common(
  name: Buffer,
  { crc, size, packed }: { readonly crc: number; readonly size: number; readonly packed: number },
): Buffer {
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(VERSION, 0);
  fields.writeUInt16LE(FLAGS, 2);
  fields.writeUInt16LE(DATE, 8);
  fields.writeUInt32LE(crc, 10);
  fields.writeUInt32LE(packed, 14);
  fields.writeUInt32LE(size, 18);
  fields.writeUInt16LE(name.length, 22);
  return fields;
}

/** PKWARE's traditional cipher (APPNOTE 6.1.5). */
class ZipCipher {
  #key0 = 0x12345678;
  #key1 = 0x23456789;
  #key2 = 0x34567890;

  constructor(password: string) {
    this.encrypt(Buffer.from(password));
  }

  encrypt(plain: Uint8Array): Buffer {
    const encrypted = Buffer.allocUnsafe(plain.length);
    let [key0, key1, key2] = [this.#key0, this.#key1, this.#key2];
    for (let at = 0; at < plain.length; at++) {
      const byte = plain[at] ?? 0;
      const mask = (key2 | 2) & 0xffff;
      encrypted[at] = byte ^ (Math.imul(mask, mask ^ 1) >>> 8);
      key0 = (key0 >>> 8) ^ (TABLE[(key0 ^ byte) & 0xff] ?? 0);
      key1 = (Math.imul(key1 + (key0 & 0xff), 134_775_813) + 1) | 0;
      key2 = (key2 >>> 8) ^ (TABLE[(key2 ^ (key1 >>> 24)) & 0xff] ?? 0);
    }
    [this.#key0, this.#key1, this.#key2] = [key0, key1, key2];
    return encrypted;
  }
}
