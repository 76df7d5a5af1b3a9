import { crc32 } from 'node:zlib';
import { bytes, hex, u16, u32 } from './build.ts';

/** CRC-16/ARC, as ZOO and StuffIt have it. */
function crc16(data: Uint8Array): number {
  let sum = 0;
  for (const byte of data) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xa001 : sum >>> 1;
  }
  return sum;
}

const big = (part: Uint8Array) => part.toReversed();

/** Codes of so many bits each, first bit first, in bytes from the highest bit or the lowest. */
function bits(codes: readonly (readonly [value: number, width: number])[], from: 'high' | 'low'): Buffer {
  const out: number[] = [];
  let at = 0;
  for (const [value, width] of codes) {
    for (let bit = 0; bit < width; bit++, at++) {
      const one = (value >>> (from === 'high' ? width - 1 - bit : bit)) & 1;
      out[at >>> 3] = (out[at >>> 3] ?? 0) | (one << (from === 'high' ? 7 - (at & 7) : at & 7));
    }
  }
  return Buffer.from(out);
}

/** LZW of 9 bits that never repeats anything: the table is cleared before it would need 10. */
export function lzw(data: Uint8Array, from: 'high' | 'low'): Buffer {
  const codes: [number, number][] = [];
  for (const [at, byte] of data.entries()) {
    if (at % 200 === 0) codes.push([256, 9]);
    codes.push([byte, 9]);
  }
  return bits([...codes, [257, 9]], from);
}

/** ZOO 2 (Dhesi 1991); method 0 is stored, 1 LZW. */
export function zoo(name: string, data: Uint8Array, method: 0 | 1): Buffer {
  const packed = method === 0 ? data : lzw(data, 'low');
  const start = 34;
  const entry = (next: number) =>
    bytes(
      hex('dca7c4fd01'),
      Uint8Array.of(method),
      u32(next),
      u32(start + 51),
      hex('21500000'),
      u16(crc16(data)),
      u32(data.length),
      u32(packed.length),
      hex('0100'),
      Buffer.alloc(8),
      name.padEnd(13, '\0'),
    );
  return bytes(
    'ZOO 2.10 Archive.\x1a\0\0',
    hex('dca7c4fd'),
    u32(start),
    u32(-start),
    hex('0100'),
    entry(start + 51 + packed.length),
    packed,
    hex('dca7c4fd'),
    Buffer.alloc(47),
  );
}

/** StuffIt 1.5 of one file; method 0 is stored, 3 Huffman, here with a code of 8 bits for each byte. */
export function stuffIt(name: string, data: Uint8Array, method: 0 | 3): Buffer {
  const tree = (low: number, width: number): (readonly [number, number])[] =>
    width === 0
      ? [
          [1, 1],
          [low, 8],
        ]
      : [[0, 1], ...tree(low, width - 1), ...tree(low + 2 ** (width - 1), width - 1)];
  const packed =
    method === 0 ? data : bits([...tree(0, 8), ...[...data].map((byte) => [byte, 8] as const)], 'high');
  const header = bytes(
    Uint8Array.of(0, method, name.length),
    name.padEnd(63, '\0'),
    'TEXTttxt',
    Buffer.alloc(10),
    big(u32(0)),
    big(u32(data.length)),
    big(u32(0)),
    big(u32(packed.length)),
    Buffer.alloc(2),
    big(u16(crc16(data))),
    Buffer.alloc(6),
  );
  const file = bytes(header, big(u16(crc16(header))), packed);
  return bytes('SIT!', hex('0001'), big(u32(22 + file.length)), 'rLau', hex('01'), Buffer.alloc(7), file);
}

/** RAR 4 of one file; method 0x30 is stored, 0x33 packed, here by Huffman codes of 8 and 9 bits alone. */
export function rar4(name: string, data: Uint8Array, method: 0x30 | 0x33): Buffer {
  const packed = method === 0x30 ? data : rarLiterals(data);
  const block = (part: Uint8Array) => bytes(u16(crc32(part)), part);
  return bytes(
    'Rar!\x1a\x07\0',
    block(hex('73 0000 0d00 000000000000')),
    block(
      bytes(
        hex('74 0080'),
        u16(32 + name.length),
        u32(packed.length),
        u32(data.length),
        hex('03'),
        u32(crc32(data)),
        hex('00002150 1d'),
        Uint8Array.of(method),
        u16(name.length),
        u32(0o100644),
        name,
      ),
    ),
    packed,
    block(hex('7b 0040 0700')),
  );
}

/** One block of unrar's version 29: lengths of codes, then a code for each byte, then that the file ends. */
function rarLiterals(data: Uint8Array): Buffer {
  // As many codes of the shorter length as make each of the four trees complete.
  const lengths = [
    ...Array.from({ length: 299 }, (_, at) => (at < 213 ? 8 : 9)),
    ...Array.from({ length: 60 }, (_, at) => (at < 4 ? 5 : 6)),
    ...Array.from({ length: 17 }, (_, at) => (at < 15 ? 4 : 5)),
    ...Array.from({ length: 28 }, (_, at) => (at < 4 ? 4 : 5)),
  ];
  const ofLengths = Array.from({ length: 20 }, (_, at) => ({ 4: 3, 5: 2, 6: 3, 8: 2, 9: 2 })[at] ?? 0);
  const codeOfLength = canonical(ofLengths);
  const code = canonical(lengths.slice(0, 299));
  return bits(
    [
      [0, 2],
      ...ofLengths.flatMap((length) => (length === 15 ? [] : [[length, 4] as const])),
      ...lengths.map(codeOfLength),
      ...[...data].map(code),
      code(256),
      [0, 2],
    ],
    'high',
  );
}

/** Huffman codes by their lengths, shorter before longer, else in order. */
function canonical(lengths: readonly number[]): (symbol: number) => readonly [number, number] {
  const codes = new Map<number, readonly [number, number]>();
  let next = 0;
  for (let width = 1; width <= 15; width++) {
    next *= 2;
    for (const [symbol, length] of lengths.entries()) {
      if (length === width) codes.set(symbol, [next++, width]);
    }
  }
  return (symbol) => {
    const found = codes.get(symbol);
    if (!found) throw new Error(`no code for ${symbol}`);
    return found;
  };
}

const vint = (value: number): Uint8Array =>
  value < 128 ? Uint8Array.of(value) : bytes(Uint8Array.of((value & 127) | 128), vint(value >>> 7));

/** RAR 5 of one file, stored. */
export function rar5(name: string, data: Uint8Array): Buffer {
  const block = (part: Uint8Array) => {
    const sized = bytes(vint(part.length), part);
    return bytes(u32(crc32(sized)), sized);
  };
  return bytes(
    'Rar!\x1a\x07\x01\0',
    block(hex('010000')),
    block(
      bytes(
        hex('0202'),
        vint(data.length),
        hex('04'),
        vint(data.length),
        vint(0o100644),
        u32(crc32(data)),
        hex('0001'),
        vint(name.length),
        name,
      ),
    ),
    data,
    block(hex('050000')),
  );
}
