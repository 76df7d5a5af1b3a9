import { gzipSync } from 'node:zlib';
import { bytes, fixture, hex, tar, zip } from '../build.ts';
import { type Case, casesOf, HARMLESS, infectedBut, MARKER, TEXT } from '../case.ts';
import type { Program } from '../programs.ts';

const p = { name: 'p.txt', data: TEXT };
const a = { name: 'a.txt', data: HARMLESS };
const harmless = () => zip([a]);
const whole = () => zip([a, p]);

/** A deflated member that a reader by local headers and one by the directory see in another place. */
function localLies(local: Record<string, number | string>): Buffer {
  return zip([a, { ...p, local }]);
}

const FILES: Readonly<Record<string, () => Buffer>> = {
  'zip+zip': () => bytes(harmless(), whole()),
  'zip+zip, offsets from the start': () => bytes(harmless(), zip([a, p], { base: harmless().length })),
  'zip+junk+zip': () => bytes(harmless(), Buffer.alloc(5000, 7), whole()),
  'zip in the comment of a zip': () => zip([a], { comment: whole().toString('latin1') }),
  'zip behind a local header': () => bytes('PK\x03\x04', Buffer.alloc(26, 0x41), whole()),
  'zip behind PK34 and junk': () => bytes('PK\x03\x04', 'junk'.repeat(100), whole()),
  'zip behind a signature alone': () => bytes('PK\x03\x04', whole()),
  'zip behind an empty zip': () => bytes('PK\x05\x06', Buffer.alloc(18), whole()),
  'zip behind text': () => bytes(HARMLESS, whole()),
  'zip behind 1 MiB': () => bytes(Buffer.alloc(2 ** 20, 0x20), whole()),
  'zip behind a PDF': () =>
    bytes('%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n', whole()),
  'zip behind a GIF': () =>
    bytes('GIF89a', hex('01000100800000ffffff0000002c00000000010001000002024401003b'), whole()),
  'zip behind a PNG': () =>
    bytes(hex('89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55'), whole()),
  'zip behind a JPEG': () => bytes(hex('ffd8ffe000104a46494600010100000100010000ffd9'), whole()),
  'zip behind an MP3': () => bytes('ID3', hex('04000000000000'), Buffer.alloc(900), whole()),
  'zip behind a program': () => bytes('MZ', Buffer.alloc(4000, 0x90), whole()),
  'zip behind a shell script': () => bytes('#!/bin/sh\nexec unzip "$0"\n', whole()),
  'gz+zip': () => bytes(gzipSync(HARMLESS), whole()),
  'gz+gz': () => bytes(gzipSync(HARMLESS), gzipSync(TEXT)),
  'bzip2+bzip2': () => bytes(BZIP2_OF_A, fixture('bzip2')),
  'xz+xz': () => bytes(XZ_OF_A, fixture('xz')),
  'xz+padding+xz': () => bytes(XZ_OF_A, Buffer.alloc(8), fixture('xz')),
  'tar+zip': () => bytes(tar([a]), whole()),
  'tar+tar (tar -i)': () => bytes(tar([a]), tar([p])),
  'tar with a block of zeros (tar -i)': () => bytes(tar([a], 1), tar([p])),
  'tar with a wrong sum before': () => bytes(tar([a], 0), 'x'.repeat(512), tar([p])),
  'tar.gz of two parts (tar -i)': () => gzipSync(bytes(tar([a]), tar([p]))),
  'local header: compressed size 0xfffffff0': () => localLies({ compressed: 0xfffffff0 }),
  'local header: compressed size 0': () => localLies({ compressed: 0 }),
  'local header: compressed size 1': () => localLies({ compressed: 1 }),
  'local header: size 0': () => localLies({ size: 0 }),
  'local header: size 0xffffffff': () => localLies({ size: 0xffffffff }),
  'local header: stored': () => localLies({ method: 0 }),
  'local header: another method': () => localLies({ method: 14 }),
  'local header: another name': () => localLies({ name: 'q.txt' }),
  'local header: a longer name': () => localLies({ name: 'p'.repeat(300) }),
  'directory without a member': () => zip([a, { ...p, hidden: true }]),
  'trailing zip': () => zip([a], { after: whole() }),
  'two directories': () =>
    bytes(
      zip([a, { ...p, hidden: true }]),
      zip([]).subarray(0),
      whole().subarray(whole().indexOf('PK\x01\x02')),
    ),
};

/** Those in which ClamAV does not find the marker: the check of structure refuses them, or a rule. */
const REFUSED = [
  'zip+zip',
  'zip+junk+zip',
  'zip in the comment of a zip',
  'zip behind a local header',
  'zip behind PK34 and junk',
  'zip behind a signature alone',
  'gz+zip',
  'bzip2+bzip2',
  'tar+zip',
  'local header: compressed size 0xfffffff0',
  'local header: compressed size 0',
  'local header: compressed size 1',
  'local header: another method',
  'directory without a member',
  'trailing zip',
  'two directories',
];

/** `printf a | bzip2`, `printf a | xz`. */
const BZIP2_OF_A = Buffer.from('QlpoOTFBWSZTWRmTm2sAAAABACAAIAAhGEaC7kinChIDMnNtYA==', 'base64');
const XZ_OF_A = Buffer.from(
  '/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQAAYQAAAAAFK2Uud4QCMwABGQGlLIHMH7bzfQEAAAAABFla',
  'base64',
);

const OPENS: readonly Program[] = [
  'unzip',
  'Python zipfile',
  '7zz',
  'bsdtar',
  'gzip',
  'bzip2',
  'xz',
  'tar',
  'tar -i',
  'bsdtar, from a pipe',
];

export const malformed: readonly Case[] = [
  ...casesOf('malformed', infectedBut(REFUSED), OPENS, FILES),
  ...casesOf(
    'malformed',
    infectedBut(REFUSED),
    OPENS,
    Object.fromEntries(
      Object.entries(FILES).map(([name, make]) => [
        `${name}, in a zip`,
        () => zip([a, { name: 'inner', data: make() }]),
      ]),
    ),
  ),
  ...casesOf('malformed', 'infected', ['script host'], {
    'GIF, then a script': () => bytes('GIF89a/*', hex('01000100'), '*/=1;x="', MARKER, '"'),
    'BMP, then a script': () => bytes('BM/*', Buffer.alloc(50), '*/=1;x="', MARKER, '"'),
  }),
];
