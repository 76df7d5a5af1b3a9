import { bytes, hex, u16, u32 } from './build.ts';

/** An attribute of TNEF: level 1 is the message, 2 an attachment; the sum is that of all its bytes (MS-OXTNEF 2.1.3). */
export function attribute(level: 1 | 2, id: number, data: Uint8Array): Buffer {
  const sum = data.reduce((total, byte) => (total + byte) & 0xffff, 0);
  return bytes(Uint8Array.of(level), u32(id), u32(data.length), data, u16(sum));
}

/** A `winmail.dat`. */
export function tnef(...attributes: readonly Uint8Array[]): Buffer {
  return bytes(
    hex('789f3e22 0100'),
    attribute(1, 0x00089006, u32(0x00010000)),
    attribute(1, 0x00069007, hex('e404000000000000')),
    ...attributes,
  );
}

/** The attributes of one attachment. */
export function attached(name: string, data: Uint8Array): Buffer {
  return bytes(
    attribute(2, 0x00069002, hex('0100ffffffff0000000000000000')),
    attribute(2, 0x00018010, bytes(`${name}\0`)),
    attribute(2, 0x0006800f, data),
  );
}

/** Properties of MAPI as TNEF has them, each binary. */
export function properties(values: Readonly<Record<number, Uint8Array>>): Buffer {
  const list = Object.entries(values);
  return bytes(
    u32(list.length),
    ...list.map(([id, data]) =>
      bytes(hex('0201'), u16(Number(id)), u32(1), u32(data.length), data, Buffer.alloc(-data.length & 3)),
    ),
  );
}

/** Rich text as Outlook compresses it (MS-OXRTFCP), without any repetition: a byte 0 before each eight. */
export function compressedRtf(rtf: Uint8Array): Buffer {
  const runs: Uint8Array[] = [];
  for (let at = 0; at < rtf.length; at += 8) runs.push(Uint8Array.of(0), rtf.subarray(at, at + 8));
  const packed = bytes(...runs);
  let sum = 0;
  for (const byte of packed) {
    let low = (sum ^ byte) & 0xff;
    for (let bit = 0; bit < 8; bit++) low = low & 1 ? (low >>> 1) ^ 0xedb88320 : low >>> 1;
    sum = low ^ (sum >>> 8);
  }
  return bytes(u32(packed.length + 12), u32(rtf.length), 'LZFu', u32(sum), packed);
}

/** yEnc 1.3 of one part. */
export function yEnc(name: string, data: Uint8Array): string {
  const coded = [...data].map((byte) => {
    const sum = (byte + 42) & 0xff;
    const escaped = [0, 10, 13, 61].includes(sum);
    return escaped ? `=${String.fromCharCode((sum + 64) & 0xff)}` : String.fromCharCode(sum);
  });
  const lines = Array.from({ length: Math.ceil(coded.length / 100) }, (_, at) =>
    coded.slice(100 * at, 100 * at + 100).join(''),
  );
  const { length } = data;
  return `=ybegin line=100 size=${length} name=${name}\r\n${lines.join('\r\n')}\r\n=yend size=${length}\r\n`;
}

/** BinHex 4.0 (RFC 1741) of a file without a resource fork. */
export function binHex(name: string, data: Uint8Array): Buffer {
  const alphabet = '!"#$%&\'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr';
  const big32 = (value: number) => u32(value).toReversed();
  const summed = (part: Uint8Array) => bytes(part, u16(crcCcitt(part)).toReversed());
  const plain = bytes(
    summed(bytes(Uint8Array.of(name.length), name, '\0TEXTttxt\0\0', big32(data.length), big32(0))),
    summed(data),
    summed(Buffer.alloc(0)),
  );
  // 0x90 repeats the byte before, or stands for itself before a 0.
  const escaped = bytes(...[...plain].map((byte) => (byte === 0x90 ? hex('9000') : Uint8Array.of(byte))));
  const text = sixBits(escaped, alphabet);
  const lines = `:${text}:`.replace(/.{64}/g, '$&\r\n');
  return bytes(`(This file must be converted with BinHex 4.0)\r\n\r\n${lines}\r\n`);
}

/** xxencode, which is uuencode with letters that survive EBCDIC. */
export function xxencode(name: string, data: Uint8Array): string {
  const alphabet = '+-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  const lines: string[] = [];
  for (let at = 0; at < data.length; at += 45) {
    const part = data.subarray(at, at + 45);
    const padded = bytes(part, Buffer.alloc((3 - (part.length % 3)) % 3));
    lines.push(`${alphabet[part.length]}${sixBits(padded, alphabet)}`);
  }
  return `begin 644 ${name}\n${lines.join('\n')}\n+\nend\n`;
}

function sixBits(data: Uint8Array, alphabet: string): string {
  let text = '';
  for (let at = 0; at < data.length * 8; at += 6) {
    const pair = ((data[at >>> 3] ?? 0) << 8) | (data[(at >>> 3) + 1] ?? 0);
    text += alphabet[(pair >>> (10 - (at & 7))) & 63];
  }
  return text;
}

function crcCcitt(data: Uint8Array): number {
  let sum = 0;
  for (const byte of data) {
    sum ^= byte << 8;
    for (let bit = 0; bit < 8; bit++)
      sum = sum & 0x8000 ? ((sum << 1) ^ 0x1021) & 0xffff : (sum << 1) & 0xffff;
  }
  return sum;
}

/** UTF-7 (RFC 2152) in which nothing is legible. */
export function utf7(text: string): string {
  const wide = Buffer.from(text, 'utf16le').swap16().toString('base64').replaceAll('=', '');
  return `+${wide}-`;
}
