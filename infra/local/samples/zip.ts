import { crc32, deflateRawSync } from 'node:zlib';

/** One file in an archive, already in the form in which it is kept. Sizes below 4 GiB: no Zip64. */
export interface ZipEntry {
  readonly name: string;
  /** PKWARE APPNOTE 4.4.5. */
  readonly method: 0 | 8;
  /** CRC-32 of the original. */
  readonly crc: number;
  /** Size of the original, in bytes. */
  readonly size: number;
  readonly body: Buffer;
  readonly encrypted?: boolean;
}

/** 1980-01-01, the first day there is: archives are the same each time. */
const DATE = 0x21;
const VERSION = 20;
const ENCRYPTED = 1;

export function deflated(name: string, content: Buffer): ZipEntry {
  return { name, method: 8, crc: crc32(content), size: content.length, body: deflateRawSync(content) };
}

/** Encrypted with the traditional PKWARE cipher (APPNOTE 6.1), which every unpacker knows. */
export function encrypted(name: string, content: Buffer, password: string): ZipEntry {
  const crc = crc32(content);
  const header = Buffer.alloc(12, 1);
  header[11] = crc >>> 24; // By which an unpacker recognises the right password.
  const body = encrypt(Buffer.concat([header, content]), Buffer.from(password));
  return { name, method: 0, crc, size: content.length, body, encrypted: true };
}

/** The archive: each entry behind its local header, then the central directory (APPNOTE 4.3.6). */
export function zip(entries: readonly ZipEntry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name);
    const common = commonHeader(entry, name.length);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, name, entry.body]);
    const position = Buffer.alloc(14);
    position.writeUInt32LE(offset, 10);
    const made = Buffer.from([VERSION, 0]);
    directory.push(Buffer.from('PK\x01\x02'), made, common, position, name);
    parts.push(local);
    offset += local.length;
  }
  const index = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(index.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, index, Buffer.from('PK\x05\x06'), end]);
}

/** Fields that the local header and the directory share, from "version needed" to "extra field length". */
function commonHeader({ method, crc, size, body, encrypted }: ZipEntry, nameLength: number): Buffer {
  const header = Buffer.alloc(26);
  header.writeUInt16LE(VERSION, 0);
  header.writeUInt16LE(encrypted ? ENCRYPTED : 0, 2);
  header.writeUInt16LE(method, 4);
  header.writeUInt16LE(DATE, 8);
  header.writeUInt32LE(crc, 10);
  header.writeUInt32LE(body.length, 14);
  header.writeUInt32LE(size, 18);
  header.writeUInt16LE(nameLength, 22);
  return header;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crcStep(crc: number, byte: number): number {
  return ((CRC_TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8)) >>> 0;
}

function encrypt(plain: Buffer, password: Buffer): Buffer {
  const keys: [number, number, number] = [0x12345678, 0x23456789, 0x34567890];
  const update = (byte: number) => {
    keys[0] = crcStep(keys[0], byte);
    keys[1] = (Math.imul(keys[1] + (keys[0] & 0xff), 134_775_813) + 1) >>> 0;
    keys[2] = crcStep(keys[2], keys[1] >>> 24);
  };
  password.forEach(update);
  return Buffer.from(
    plain.map((byte) => {
      const key = (keys[2] | 2) & 0xffff;
      update(byte);
      return byte ^ ((key * (key ^ 1)) >>> 8);
    }),
  );
}
