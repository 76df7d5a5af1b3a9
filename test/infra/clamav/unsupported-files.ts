import { zip } from '../local/clamav/zip.ts';

/** EICAR in the midst of text, as 7-Zip, lzip and Python pack it. */
const PACKED = {
  'LZMA in a zip': [
    'UEsDBD8AAgAOAH2Yd13bhdWXdwAAALwFAAAFAAAAcC50eHQaAgUAXQAQAAAANhvKqugKNjd61gfvXMpqw00RMBAQmcUWl62GZBsX',
    'XOD61Z7LSYQaycsB9lDdVsUp3rdxBLz8f5ahcm3hOvhNW5Y0UsMbIsgFUp0gW7KBNKVD9blwITQoXdqI8u/EtwH1NA+YwftPxIB/',
    '+s2RAFBLAQI/Az8AAgAOAH2Yd13bhdWXdwAAALwFAAAFACQAAAAAAAAAIICkgQAAAABwLnR4dAoAIAAAAAAAAQAYAITak2N9e90B',
    'AAAAAAAAAAAAAAAAAAAAAFBLBQYAAAAAAQABAFcAAACaAAAAAAA=',
  ],
  'PPMd in a zip': [
    'UEsDBD8AAABiAH2Yd13bhdWXZQAAALwFAAAFAAAAcC50eHQHAGwFOo7gueQ5T0UYISkuVdpbqWkAAHJEVakcRltx2f4VZwPq6JM3',
    'DS4nXKy7BtaMGR+D3ScW5Nt9ch9CNjAsIhkiEydypb5w2Xs7HgK0GT2R0eqPSPuVJdSCgYwDZ0e/7R5oAFBLAQI/Az8AAABiAH2Y',
    'd13bhdWXZQAAALwFAAAFACQAAAAAAAAAIICkgQAAAABwLnR4dAoAIAAAAAAAAQAYAITak2N9e90BAAAAAAAAAAAAAAAAAAAAAFBL',
    'BQYAAAAAAQABAFcAAACIAAAAAAA=',
  ],
  'XZ in a zip': [
    'UEsDBBQAAABfAH2Yd13bhdWXpAAAALwFAAAFAAAAcC50eHT9N3pYWgAAAWki3jYCACEBAAAAADcnl9bgBbsAaF0ANhvKqugKNjd6',
    '1gfvXMpqw00RMBAQmcUWl62GZBsXXOD61Z7LSYQaycsB9lDdVsUp3rdxBLz8f5ahcm3hOvhNW5Y0UsMbIsgFUp0gW7KBNKVD9blw',
    'ITQoXdqI8u/EtwH1NA+YwfBV+gAA24XVlwABgAG8CwAAdvd0uz4wDYsCAAAAAAFZWlBLAQI/AxQAAABfAH2Yd13bhdWXpAAAALwF',
    'AAAFACQAAAAAAAAAIICkgQAAAABwLnR4dAoAIAAAAAAAAQAYAITak2N9e90BAAAAAAAAAAAAAAAAAAAAAFBLBQYAAAAAAQABAFcA',
    'AADHAAAAAAA=',
  ],
  'BZip2 in a 7z': [
    'N3q8ryccAATraCKlqwAAAAAAAABSAAAAAAAAAHq1z7lCWmg5MUFZJlNZVxoi4QABsR+AZnoGgG9l310mJt4CMACGCUlPUaaek0aA',
    'eSNP1T1PTUaAxgAAAAAwAAIqpoaAAAAMAAe8AQEYgCU4IgCbof6edk+MB69VffIecs9vTTUxbq4xuc5WwjKirub7ZtkwzXurgMs2',
    'UTmorPwICNEBmEGgEGAQawQbBBgQGi8QbRBtEHGCDCIMIINwg5gQbxBiwF3JFOFCQVxoi4QBBAYAAQmAqwAHCwEAAQMEAgIMhbwA',
    'CAoB24XVlwAABQEZCgAAAAAAAAAAAAARDQBwAC4AdAB4AHQAAAAUCgEAhNqTY3173QEVBgEAIICkgQAA',
  ],
  'a .lzma file': [
    'XQAAgAD//////////wA2G8qq6Ao2N3rWB+9cymrDTREwEBCZxRaXrYZkGxdc4PrVnstJhBrJywH2UN1WxSnet3EEvPx/lqFybeE6',
    '+E1bljRSwxsiyAVSnSBbsoE0pUP1uXAhNChd2ojy78S3AfU0D5jB+0/EgH/6zZEA',
  ],
  'a .lz file': [
    'TFpJUAEMADYbyqroCjY3etYH71zKasNNETAQEJnFFpethmQbF1zg+tWey0mEGsnLAfZQ3VbFKd63cQS8/H+WoXJt4Tr4TVuWNFLD',
    'GyLIBVKdIFuygTSlQ/W5cCE0KF3aiPLvxLcB9TQPmMH7T8SAf/rNkQDbhdWXvAUAAAAAAACIAAAAAAAAAA==',
  ],
};

/** Content that ClamAV does not look into, by what it is. */
export const UNSUPPORTED: ReadonlyMap<string, Buffer> = new Map(
  Object.entries(PACKED).map(([name, lines]) => [name, Buffer.from(lines.join(''), 'base64')]),
);

/** A zip that says that its members are compressed by `method`, in both places or in one of them. */
export function zipOfMethod(method: number, where: 'both' | 'local' | 'directory' = 'both'): Buffer {
  const archive = zip({ name: 'a.txt', data: Buffer.from('nothing to see here\n') });
  if (where !== 'directory') archive.writeUInt16LE(method, 8);
  if (where !== 'local') archive.writeUInt16LE(method, archive.indexOf('PK\x01\x02') + 10);
  return archive;
}

const SECTOR = 512;
const [FREE, END_OF_CHAIN, FAT] = [0xffff_ffff, 0xffff_fffe, 0xffff_fffd];
const STREAM_SECTORS = 8;

/** An OLE2 file (MS-CFB, version 3) of one stream of 4 096 bytes with that name. */
export function ole2(streamName: string): Buffer {
  const header = Buffer.alloc(SECTOR);
  header.write('d0cf11e0a1b11ae1', 'hex');
  for (const [offset, value] of [
    [24, 0x3e],
    [26, 3],
    [28, 0xfffe],
    [30, 9],
    [32, 6],
  ] as const) {
    header.writeUInt16LE(value, offset);
  }
  // One sector of FAT, which is the first; the directory is the second; neither mini FAT nor DIFAT.
  for (const [offset, value] of [
    [44, 1],
    [48, 1],
    [56, 4096],
    [60, END_OF_CHAIN],
    [68, END_OF_CHAIN],
  ] as const) {
    header.writeUInt32LE(value, offset);
  }
  header.fill(0xff, 80);

  const fat = Buffer.alloc(SECTOR, FREE & 0xff);
  const chain = Array.from({ length: STREAM_SECTORS }, (_, index) => index + 3);
  for (const [index, value] of [FAT, END_OF_CHAIN, ...chain.with(-1, END_OF_CHAIN)].entries()) {
    fat.writeUInt32LE(value, index * 4);
  }
  const directory = Buffer.alloc(SECTOR);
  entry('Root Entry', { type: 5, child: 1, start: END_OF_CHAIN, size: 0 }).copy(directory, 0);
  entry(streamName, { type: 2, child: FREE, start: 2, size: STREAM_SECTORS * SECTOR }).copy(directory, 128);
  return Buffer.concat([header, fat, directory, Buffer.alloc(STREAM_SECTORS * SECTOR, 0xa5)]);
}

function entry(name: string, fields: { type: number; child: number; start: number; size: number }): Buffer {
  const bytes = Buffer.alloc(128);
  const written = bytes.write(name, 'utf16le');
  bytes.writeUInt16LE(written + 2, 64);
  bytes.writeUInt8(fields.type, 66);
  bytes.writeUInt8(1, 67);
  for (const [offset, value] of [
    [68, FREE],
    [72, FREE],
    [76, fields.child],
    [116, fields.start],
    [120, fields.size],
  ] as const) {
    bytes.writeUInt32LE(value, offset);
  }
  return bytes;
}
