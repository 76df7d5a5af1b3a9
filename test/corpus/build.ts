import { readFileSync } from 'node:fs';
import { crc32, deflateRawSync, gunzipSync } from 'node:zlib';

/** Files that only real programs make: each with the command that made it of a file p.txt, which is TEXT. */
const FIXTURES: Readonly<Record<string, { readonly made: string; readonly gzip: string }>> = JSON.parse(
  readFileSync(new URL('fixtures.json', import.meta.url), 'utf8'),
);

export function fixture(name: string): Buffer {
  const found = FIXTURES[name];
  if (!found) throw new Error(`no fixture ${name}`);
  return gunzipSync(Buffer.from(found.gzip, 'base64'));
}

export function bytes(...parts: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
}

export function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

/** Little endian. */
export const u16 = (value: number) => Uint8Array.of(value, value >>> 8);
export const u32 = (value: number) => Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);

export interface Member {
  readonly name: string;
  readonly data: Uint8Array;
  /** APPNOTE 4.4.5; 0 is stored. */
  readonly method?: 0 | 8;
  /** Bit 3: sizes behind the data, as programs write that cannot seek. */
  readonly streamed?: boolean;
  /** Fields of the local header, if it differs from the directory. */
  readonly local?: {
    readonly method?: number;
    readonly compressed?: number;
    readonly size?: number;
    readonly name?: string;
  };
  /** Left out of the directory. */
  readonly hidden?: boolean;
}

export interface ZipOptions {
  readonly before?: Uint8Array;
  /** Bytes between the last member and the directory. */
  readonly gap?: Uint8Array;
  readonly comment?: string;
  readonly after?: Uint8Array;
  /** Added to each offset in the directory: what stands before, unless the archive was not told of it. */
  readonly base?: number;
}

/** A zip archive (APPNOTE 4.3), right or wrong. */
export function zip(members: readonly Member[], options: ZipOptions = {}): Buffer {
  const { before = Buffer.alloc(0), gap = Buffer.alloc(0), comment = '', after = Buffer.alloc(0) } = options;
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = options.base ?? 0;
  for (const { name, data, method = 8, streamed = false, local = {}, hidden = false } of members) {
    const body = method === 8 ? deflateRawSync(data) : Buffer.from(data);
    const fields = (what: NonNullable<Member['local']>, known: boolean) => {
      const header = Buffer.alloc(26);
      header.writeUInt16LE(20, 0);
      header.writeUInt16LE(streamed ? 8 : 0, 2);
      header.writeUInt16LE(what.method ?? method, 4);
      header.writeUInt16LE(0x21, 8);
      header.writeUInt32LE(known ? crc32(data) : 0, 10);
      header.writeUInt32LE(known ? (what.compressed ?? body.length) : 0, 14);
      header.writeUInt32LE(known ? (what.size ?? data.length) : 0, 18);
      header.writeUInt16LE(Buffer.byteLength(what.name ?? name), 22);
      return header;
    };
    const descriptor = streamed
      ? Buffer.concat([Buffer.from('PK\x07\x08'), fields({}, true).subarray(10, 22)])
      : '';
    const entry = bytes('PK\x03\x04', fields(local, !streamed), local.name ?? name, body, descriptor);
    const position = Buffer.alloc(14);
    position.writeUInt32LE(offset, 10);
    if (!hidden) directory.push(bytes('PK\x01\x02\x14\0', fields({}, true), position, name));
    locals.push(entry);
    offset += entry.length;
  }
  const index = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(directory.length, 4);
  end.writeUInt16LE(directory.length, 6);
  end.writeUInt32LE(index.length, 8);
  end.writeUInt32LE(offset + gap.length, 12);
  end.writeUInt16LE(comment.length, 16);
  return bytes(before, ...locals, gap, index, 'PK\x05\x06', end, comment, after);
}

/** A ustar archive (POSIX.1-1988). */
export function tar(members: readonly Pick<Member, 'name' | 'data'>[], blocksAtEnd = 2): Buffer {
  const parts = members.flatMap(({ name, data }) => {
    const header = Buffer.alloc(512);
    header.write(name);
    header.write(
      '0000644\0' +
        '0000000\0'.repeat(2) +
        `${data.length.toString(8).padStart(11, '0')}\0` +
        '00000000000\0',
      100,
    );
    header.write(' '.repeat(8), 148);
    header.write('0ustar\x0000', 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return [header, data, Buffer.alloc(-data.length & 511)];
  });
  return Buffer.concat([...parts, Buffer.alloc(512 * blocksAtEnd)]);
}

/** A Unix archive, as of Debian packages. */
export function ar(members: readonly Pick<Member, 'name' | 'data'>[]): Buffer {
  const parts = members.flatMap(({ name, data }) => [
    `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(data.length).padEnd(10)}\`\n`,
    data,
    data.length % 2 ? '\n' : '',
  ]);
  return bytes('!<arch>\n', ...parts);
}

/** A mail with one attachment. */
export function mail(
  attachment: string,
  headers: Readonly<Record<string, string>>,
  separator = '\r\n',
): Buffer {
  const lines = [
    'From: a@example.org',
    'To: b@example.org',
    'Subject: Report',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary="=_b"',
    '',
    '--=_b',
    'Content-Type: text/plain',
    '',
    'See the attachment.',
    '--=_b',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '',
    attachment,
    '--=_b--',
    '',
  ];
  return Buffer.from(lines.join(separator), 'latin1');
}

/** A PDF of one page whose streams are as given: dictionary entries, and bytes. */
export function pdf(
  streams: readonly { readonly entries: string; readonly data: Uint8Array }[],
  trailer = '',
): Buffer {
  const objects = [
    bytes('<< /Type /Catalog /Pages 2 0 R >>'),
    bytes('<< /Type /Pages /Kids [3 0 R] /Count 1 >>'),
    bytes('<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R >>'),
    ...streams.map(({ entries, data }) =>
      bytes(`<< /Length ${data.length} ${entries} >>\nstream\n`, data, '\nendstream'),
    ),
  ];
  const parts: Buffer[] = [bytes('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n')];
  const offsets: number[] = [];
  let at = parts[0]?.length ?? 0;
  objects.forEach((object, index) => {
    const part = bytes(`${index + 1} 0 obj\n`, object, '\nendobj\n');
    offsets.push(at);
    parts.push(part);
    at += part.length;
  });
  const rows = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const size = objects.length + 1;
  const table = `xref\n0 ${size}\n0000000000 65535 f \n${rows}trailer\n<< /Size ${size} /Root 1 0 R ${trailer} >>\nstartxref\n${at}\n%%EOF\n`;
  return bytes(...parts, table);
}
