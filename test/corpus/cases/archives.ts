import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { ar, bytes, fixture, hex, tar, zip } from '../build.ts';
import { type Case, casesOf, HARMLESS, TEXT } from '../case.ts';

const p = { name: 'p.txt', data: TEXT };
const a = { name: 'a.txt', data: HARMLESS };
const fixtures = (...names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, () => fixture(name)]));

/** The same inside of archives that ClamAV opens, behind a harmless member. */
function nested(names: readonly string[], expected: Case['expected'], opensWith: string): readonly Case[] {
  return names.flatMap((name) => [
    ...casesOf('archive', expected, `unzip, then ${opensWith}`, {
      [`${name}, in a zip`]: () => zip([a, { name: 'inner', data: fixture(name) }]),
    }),
    ...casesOf('archive', expected, `tar, then ${opensWith}`, {
      [`${name}, in a tar.gz`]: () => gzipSync(tar([a, { name: 'inner', data: fixture(name) }])),
    }),
  ]);
}

/** Opened by ClamAV. */
const OPENED = ['bzip2', 'xz', 'xz crc32', 'zip bzip2', 'zip deflate64', 'tar.bz2', 'tar.xz'];
const COMPRESSED = [
  'lzma',
  'lzma lc=0',
  'lzma lc=4,lp=0',
  'lzma lp=2,lc=1',
  'lzma dict=4KiB',
  'lzma dict=96MiB',
  'raw lz4',
  'lz4 legacy',
  'zstd',
  'zstd without check',
  'lzip',
  'lzop',
  'compress 16',
  'compress 12',
  'compress 9',
  'rzip',
  'lrzip',
  'lrzip none',
  'tar.zst',
];
const ARCHIVES = [
  'zpaq',
  'zpaq plain',
  '7z bzip2',
  '7z deflate',
  '7z encrypted',
  '7z encrypted headers',
  'zip lzma',
  'zip ppmd',
  'zip xz',
  'zip aes',
  'wim lzx',
  'wim solid',
  'arj with password',
  'squashfs gzip',
  'squashfs xz',
];
const READABLE = [
  '7z lzma2',
  '7z ppmd',
  '7z copy',
  'wim',
  'arj',
  'arj stored',
  'cpio newc',
  'cpio odc',
  'pax',
  'v7 tar',
  'gnutar',
  'shar',
  'mtree ar',
  'xar',
  'warc',
];

/** What only shows that it is of a kind: no program here writes it, and its bytes are hidden. */
function hiddenBehind(magic: string, offset: number): Buffer {
  const packed = Buffer.from(TEXT.map((byte) => byte ^ 0x5a));
  return bytes(Buffer.alloc(offset, 1), hex(magic), Buffer.alloc(40, 2), packed);
}

export const archives: readonly Case[] = [
  ...casesOf('archive', 'infected', 'unzip', {
    'zip, deflated': () => zip([a, p]),
    'zip, stored': () => zip([a, { ...p, method: 0 }]),
    'zip, streamed': () =>
      zip([
        { ...a, streamed: true },
        { ...p, streamed: true },
      ]),
    'zip, with a comment': () => zip([a, p], { comment: 'made by hand' }),
    'zip in a zip': () => zip([a, { name: 'i.zip', data: zip([a, p]) }]),
    'zip in a zip, stored': () => zip([a, { name: 'i.zip', data: zip([a, p]), method: 0 }]),
    'zip in a streamed zip': () => zip([a, { name: 'i.zip', data: zip([a, p]), streamed: true }]),
    'five zips deep': () => {
      let file = zip([a, p]);
      for (let depth = 0; depth < 4; depth++) file = zip([a, { name: 'i.zip', data: file }]);
      return file;
    },
    'zip of 500 files, the last': () =>
      zip([
        ...Array.from({ length: 500 }, (_, at) => ({ name: `${at}.txt`, data: Buffer.from(`${at}`) })),
        p,
      ]),
    'tar in a zip': () => zip([a, { name: 'i.tar', data: tar([a, p]) }]),
    jar: () =>
      zip([
        { name: 'META-INF/MANIFEST.MF', data: Buffer.from('Manifest-Version: 1.0\r\n\r\n') },
        { name: 'A.class', data: bytes(hex('cafebabe00000034'), TEXT) },
      ]),
  }),
  ...casesOf('archive', 'infected', 'tar', {
    tar: () => tar([a, p]),
    'tar without an end': () => tar([a, p], 0),
    'tar.gz': () => gzipSync(tar([a, p])),
    'tar in a tar.gz': () => gzipSync(tar([a, { name: 'i.tar', data: tar([a, p]) }])),
  }),
  ...casesOf('installer', 'either', 'dpkg, ar', {
    deb: () =>
      ar([
        { name: 'debian-binary', data: Buffer.from('2.0\n') },
        {
          name: 'control.tar.gz',
          data: gzipSync(tar([{ name: './control', data: Buffer.from('Package: p\nVersion: 1\n') }])),
        },
        { name: 'data.tar.gz', data: gzipSync(tar([p])) },
      ]),
    'deb, xz': () =>
      ar([
        { name: 'debian-binary', data: Buffer.from('2.0\n') },
        {
          name: 'control.tar.gz',
          data: gzipSync(tar([{ name: './control', data: Buffer.from('Package: p\nVersion: 1\n') }])),
        },
        { name: 'data.tar.xz', data: fixture('tar.xz') },
      ]),
  }),
  ...casesOf(
    'installer',
    'either',
    'rpm2cpio, 7zz, bsdtar',
    fixtures('rpm w9.gzdio', 'rpm w2.xzdio', 'rpm w9.bzdio', 'rpm w3.zstdio'),
  ),
  ...casesOf('installer', 'infected', 'Android', {
    apk: () =>
      zip([
        { name: 'AndroidManifest.xml', data: HARMLESS },
        { name: 'classes.dex', data: bytes('dex\n035\0', TEXT) },
      ]),
  }),
  ...casesOf('compressor', 'infected', 'gunzip and the like', {
    gzip: () => gzipSync(TEXT),
    'gzip of gzip': () => gzipSync(gzipSync(TEXT)),
    ...fixtures('bzip2', 'xz', 'xz crc32', 'tar.bz2', 'tar.xz'),
  }),
  ...casesOf('compressor', 'either', 'the program of that name; 7zz for most', fixtures(...COMPRESSED)),
  ...casesOf('compressor', 'either', 'zstd', {
    'zstd, made by zlib': () => zstdCompressSync(TEXT),
    'zstd behind a skippable frame': () => bytes(hex('502a4d18 04000000'), 'skip', fixture('zstd')),
    'zstd behind another skippable frame': () => bytes(hex('5f2a4d18 00000000'), fixture('zstd')),
    'zstd behind 300 skippable frames': () =>
      bytes(...Array.from({ length: 300 }, () => hex('5a2a4d18 08000000 4142434445464748')), fixture('zstd')),
  }),
  ...casesOf('compressor', 'either', 'lz4', {
    'lz4 behind a skippable frame': () => bytes(hex('502a4d18 04000000'), 'skip', fixture('raw lz4')),
  }),
  ...casesOf('compressor', 'either', 'zlib-flate, pigz', { 'zlib (.zz)': () => deflateSync(TEXT) }),
  ...casesOf('archive', 'unscannable', '7zz or the program of that name', fixtures(...ARCHIVES)),
  ...casesOf('archive', 'either', '7zz, bsdtar or the program of that name', fixtures(...READABLE)),
  ...casesOf('archive', 'infected', '7zz', fixtures('zip bzip2', 'zip deflate64')),
  ...nested(OPENED, 'infected', 'the program of that name'),
  ...nested([...COMPRESSED, ...ARCHIVES], 'either', 'the program of that name'),
  ...casesOf('archive', 'unscannable', 'the program of that name', {
    ACE: () => hiddenBehind('2a2a4143452a2a', 7),
    ZOO: () => hiddenBehind('dca7c4fd', 20),
    StuffIt: () => bytes('SIT!', hiddenBehind('724c6175', 6)),
    'StuffIt 5': () =>
      bytes(
        'StuffIt (c)1997-2002 Aladdin Systems, Inc., http://www.aladdinsys.com/StuffIt/\r\n',
        hiddenBehind('', 0),
      ),
    arc: () => bytes(hex('1a08'), 'P.TXT\0\0\0\0\0\0\0\0', hiddenBehind('', 0)),
    'RAR 4': () => bytes(hex('526172211a0700 cf907300000d00000000000000'), hiddenBehind('', 0)),
    'RAR 5': () => bytes(hex('526172211a070100'), hiddenBehind('', 0)),
    'RAR behind a stub': () =>
      bytes(
        'MZ',
        Buffer.alloc(700, 0x90),
        hex('526172211a0700 cf907300000d00000000000000'),
        hiddenBehind('', 0),
      ),
    '7z behind a stub': () => bytes('MZ', Buffer.alloc(700, 0x90), fixture('7z bzip2')),
    '7z behind a shell script': () =>
      bytes('#!/bin/sh\ntail -n +4 "$0" > /tmp/x\nexit\n', fixture('7z deflate')),
    'Deflate 7z behind one byte': () => bytes('x', fixture('7z deflate')),
  }),
  ...casesOf(
    'image of a disk',
    'either',
    '7zz, mount',
    fixtures('iso', 'iso joliet zisofs', 'udf iso', 'fat12'),
  ),
  ...casesOf('image of a disk', 'either', 'mount, 7zz', {
    'VMDK, stored': () => bytes('KDMV', hex('01000000'), Buffer.alloc(504), TEXT),
    'QCOW2, stored': () => bytes(hex('514649fb00000002'), Buffer.alloc(504), TEXT),
    'VHD, stored': () => bytes(Buffer.alloc(512), TEXT, 'conectix', Buffer.alloc(504)),
    'DMG trailer': () => bytes(TEXT, 'koly', hex('00000004 00000200'), Buffer.alloc(500)),
    cramfs: () =>
      bytes(
        hex('453dcd28'),
        Buffer.alloc(4),
        hex('00000000'),
        Buffer.alloc(4),
        'Compressed ROMFS',
        deflateSync(TEXT),
      ),
  }),
];
