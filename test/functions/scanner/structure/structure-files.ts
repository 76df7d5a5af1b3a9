import { crc32, deflateRawSync } from 'node:zlib';

/** A copy with two bytes at `at` replaced. */
export function patched(file: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(file);
  copy.writeUInt16LE(value, at);
  return copy;
}

/** A zip of one member, with its sizes behind the data, as a writer to a stream makes it. */
export function described(data: Buffer = Buffer.from('written to a stream '.repeat(20))): Buffer {
  const content = deflateRawSync(data);
  const sizes = Buffer.alloc(12);
  sizes.writeUInt32LE(crc32(data), 0);
  sizes.writeUInt32LE(content.length, 4);
  sizes.writeUInt32LE(data.length, 8);
  const start = Buffer.alloc(10);
  start.writeUInt16LE(20, 0);
  start.writeUInt16LE(1 << 3, 2);
  start.writeUInt16LE(8, 4);
  const name = Buffer.from('streamed');
  const lengths = Buffer.from([name.length, 0, 0, 0]);
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), start, Buffer.alloc(12), lengths, name, content]);
  const entry = Buffer.concat([
    Buffer.from('PK\x01\x02\x14\x00'),
    start,
    sizes,
    lengths,
    Buffer.alloc(14),
    name,
  ]);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06');
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(entry.length, 12);
  end.writeUInt32LE(local.length + 16, 16);
  return Buffer.concat([local, Buffer.from('PK\x07\x08'), sizes, entry, end]);
}

/** Adds a signing block of an Android package before the directory (APK Signature Scheme v2). */
export function signed(archive: Buffer): Buffer {
  const central = archive.readUInt32LE(archive.length - 6);
  const block = Buffer.alloc(100);
  block.writeBigUInt64LE(92n, 0);
  block.writeBigUInt64LE(92n, 76);
  block.write('APK Sig Block 42', 84);
  const file = Buffer.concat([archive.subarray(0, central), block, archive.subarray(central)]);
  file.writeUInt32LE(central + block.length, file.length - 6);
  return file;
}

/** Adds the end in 64 bits as well (APPNOTE 4.3.14, 4.3.15). */
export function zip64End(archive: Buffer): Buffer {
  const at = archive.length - 22;
  const record = Buffer.alloc(76);
  record.write('PK\x06\x06');
  record.writeBigUInt64LE(44n, 4);
  for (const field of [24, 32]) record.writeBigUInt64LE(BigInt(archive.readUInt16LE(at + 10)), field);
  record.writeBigUInt64LE(BigInt(archive.readUInt32LE(at + 12)), 40);
  record.writeBigUInt64LE(BigInt(archive.readUInt32LE(at + 16)), 48);
  record.write('PK\x06\x07', 56);
  record.writeBigUInt64LE(BigInt(at), 64);
  record.writeUInt32LE(1, 72);
  return Buffer.concat([archive.subarray(0, at), record, archive.subarray(at)]);
}

/** A tar (POSIX.1-1988, ustar), padded to 10 240 bytes. */
export function tar(members: Readonly<Record<string, Buffer>>): Buffer {
  const blocks = Object.entries(members).flatMap(([name, data]) => {
    const header = Buffer.alloc(512);
    header.write(name);
    header.write('0000644\x000000000\x000000000\x00', 100);
    header.write(`${data.length.toString(8).padStart(11, '0')}\x0000000000000\x00`, 124);
    header.write('        0', 148);
    header.write('ustar\x0000', 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\x00 `, 148);
    return [header, data, Buffer.alloc((512 - (data.length % 512)) % 512)];
  });
  const file = Buffer.concat(blocks);
  return Buffer.concat([file, Buffer.alloc(10_240 - (file.length % 10_240))]);
}
