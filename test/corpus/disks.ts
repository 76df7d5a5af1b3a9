import { bytes, hex, u32 } from './build.ts';

const SECTOR = 512;
const big32 = (value: number) => u32(value).toReversed();
const big64 = (value: number) => bytes(big32(0), big32(value));

/** A disk with a master boot record and one partition of a type, from sector 8 on. */
export function partitioned(type: number, partition: Uint8Array): Buffer {
  const record = Buffer.alloc(SECTOR);
  record.set([0, 0, 9, 0, type, 0, 9, 0], 446);
  record.writeUInt32LE(8, 454);
  record.writeUInt32LE(Math.ceil(partition.length / SECTOR), 458);
  record.set([0x55, 0xaa], 510);
  return bytes(record, Buffer.alloc(7 * SECTOR), partition, Buffer.alloc(-partition.length & (SECTOR - 1)));
}

/** How a part of a disk image of Apple is packed. */
export type Packing = 'stored' | 'ADC' | 'zlib' | 'bzip2' | 'LZFSE' | 'xz';
const PACKINGS: Readonly<Record<Packing, number>> = {
  stored: 1,
  ADC: 0x80000004,
  zlib: 0x80000005,
  bzip2: 0x80000006,
  LZFSE: 0x80000007,
  xz: 0x80000008,
};

/** A disk image of Apple (UDIF) of one partition, which is `packed` in one part, behind a sector that nothing refers to, and has so many bytes unpacked. */
export function dmg(packing: Packing, packed: Uint8Array, size: number): Buffer {
  const sectors = Math.ceil(size / SECTOR);
  const run = (type: number, at: number, count: number, from: number, length: number) =>
    bytes(big32(type), big32(0), big64(at), big64(count), big64(from), big64(length));
  const mish = bytes(
    'mish',
    big32(1),
    big64(0),
    big64(sectors),
    big64(0),
    big32(sectors + 8),
    big32(0),
    Buffer.alloc(24),
    // No checksum.
    Buffer.alloc(136),
    big32(2),
    run(PACKINGS[packing], 0, sectors, SECTOR, packed.length),
    run(0xffffffff, sectors, 0, SECTOR + packed.length, 0),
  );
  const list = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict><key>resource-fork</key><dict><key>blkx</key><array><dict>
<key>Attributes</key><string>0x0050</string><key>CFName</key><string>disk</string>
<key>Data</key><data>${mish.toString('base64')}</data>
<key>ID</key><string>0</string><key>Name</key><string>disk</string></dict></array></dict></dict></plist>
`;
  return bytes(
    Buffer.alloc(SECTOR),
    packed,
    list,
    'koly',
    hex('00000004 00000200 00000001'),
    big64(0),
    big64(0),
    big64(SECTOR + packed.length),
    big64(0),
    big64(0),
    hex('00000001 00000001'),
    Buffer.alloc(16 + 136),
    big64(SECTOR + packed.length),
    big64(list.length),
    Buffer.alloc(120 + 136),
    big32(1),
    big64(sectors),
    Buffer.alloc(12),
  );
}
