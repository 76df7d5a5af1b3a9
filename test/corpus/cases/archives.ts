import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { ar, bytes, fixture, hex, tar, u32, zip } from '../build.ts';
import { type Case, casesOf, HARMLESS, infectedBut, TEXT } from '../case.ts';
import { dmg, partitioned } from '../disks.ts';
import { rar4, rar5, stuffIt, zoo } from '../old-archives.ts';
import type { Program } from '../programs.ts';

const p = { name: 'p.txt', data: TEXT };
const a = { name: 'a.txt', data: HARMLESS };
/** The same inside of archives that ClamAV opens, behind a harmless member. */
function nested(names: readonly string[], expected: Case['expected']): readonly Case[] {
  return names.flatMap((name) => [
    ...casesOf('archive', expected, ['unzip', ...programsOf(name)], {
      [`${name}, in a zip`]: () => zip([a, { name: 'inner', data: fixture(name) }]),
    }),
    ...casesOf('archive', expected, ['tar', ...programsOf(name)], {
      [`${name}, in a tar.gz`]: () => gzipSync(tar([a, { name: 'inner', data: fixture(name) }])),
    }),
  ]);
}

/** The program that opens a fixture, by the first word of its name. */
function programsOf(name: string): readonly Program[] {
  const [word = ''] = name.split(/[ .]/);
  const [, programs] = BY_WORD.find(([words]) => words.includes(word)) ?? [];
  return programs ?? ['7zz', 'bsdtar', 'unar'];
}

const BY_WORD: readonly (readonly [words: readonly string[], programs: readonly Program[]])[] = [
  [['lzma', 'xz'], ['xz']],
  [['raw', 'lz4'], ['lz4']],
  [
    ['tar', 'zstd', 'bzip2'],
    ['bzip2', 'xz', 'zstd', 'tar'],
  ],
  [['compress'], ['gzip']],
  [['lzip'], ['lzip']],
  [['lzop'], ['lzop']],
  [['rzip'], ['rzip']],
  [['lrzip'], ['lrzip']],
  [['zpaq'], ['zpaq']],
  [['arj'], ['arj']],
  [['arc'], ['arc', 'nomarch', 'unar']],
  [['lha'], ['lha', '7zz', 'bsdtar']],
  [['cab'], ['cabextract', '7zz', 'bsdtar']],
  [['wim'], ['wimlib', '7zz']],
  [['squashfs'], ['unsquashfs', '7zz']],
  [['cramfs'], ['fsck.cramfs', '7zz']],
  // The kernel alone mounts it; files stand in it as they are.
  [['romfs', 'jffs2'], ['viewer']],
  [
    ['iso', 'udf'],
    ['7zz', 'bsdtar', 'isoinfo'],
  ],
  [['fat12'], ['mtools', '7zz']],
  [
    ['parallels', 'qcow', 'qcow2', 'qed', 'vdi', 'vhd', 'vhdx', 'vmdk'],
    ['7zz', 'mtools'],
  ],
  [['msi'], ['msiextract', '7zz']],
  [['deb'], ['dpkg', '7zz']],
  [['rpm'], ['7zz', 'bsdtar', 'rpm2cpio']],
  [['shar'], ['sh']],
  [['mtree'], ['ar']],
];

/** Cases of fixtures. */
function made(kind: Case['kind'], expected: Case['expected'], names: readonly string[]): readonly Case[] {
  return names.flatMap((name) => casesOf(kind, expected, programsOf(name), { [name]: () => fixture(name) }));
}

/** Opened by ClamAV. */
const OPENED = ['bzip2', 'xz', 'xz crc32', 'zip bzip2', 'zip deflate64', 'tar.bz2', 'tar.xz'];
/** Formats that store literals unchanged, which is enough for a text as short as this. */
const LEGIBLE = ['raw lz4', 'lz4 legacy', 'lzop', 'rzip', 'lrzip none', 'lrzip zpaq'];
const COMPRESSED = [
  'lzma',
  'xz arm64',
  'lzma lc=0',
  'lzma lc=4,lp=0',
  'lzma lp=2,lc=1',
  'lzma dict=4KiB',
  'lzma dict=96MiB',
  'zstd',
  'zstd without check',
  'lzip',
  'compress 16',
  'compress 12',
  'compress 9',
  'lrzip',
  'tar.zst',
];
const ARCHIVES = [
  'arc',
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
];
const IMAGES = ['cramfs', 'cramfs big endian', 'qcow2', 'squashfs gzip', 'squashfs xz', 'squashfs zstd'];
/** Opened by ClamAV, or the content stands in them as it is. */
const READABLE_IMAGES = [
  'ext2',
  'ext4',
  'fat12',
  'iso',
  'iso hfs',
  'iso joliet zisofs',
  'romfs',
  'squashfs lz4',
  'udf iso',
  'vhd',
];
/** Disks of virtual machines, each of the same fragmented file. */
const FRAGMENTED = [
  'fat12 fragmented',
  'parallels',
  'qcow',
  'qcow2 uncompressed',
  'qed',
  'vdi',
  'vhd dynamic',
  'vhdx',
  'vmdk',
];
const READABLE = [
  'lha lh5',
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

export const archives: readonly Case[] = [
  ...casesOf('archive', 'infected', ['unzip', 'tar'], {
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
  ...casesOf('archive', 'infected', ['tar'], {
    tar: () => tar([a, p]),
    'tar without an end': () => tar([a, p], 0),
    'tar.gz': () => gzipSync(tar([a, p])),
    'tar in a tar.gz': () => gzipSync(tar([a, { name: 'i.tar', data: tar([a, p]) }])),
  }),
  ...casesOf('installer', 'unscannable', ['dpkg', 'ar', 'tar'], {
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
  ...made('installer', 'unscannable', [
    'rpm w9.gzdio',
    'rpm w2.xzdio',
    'rpm w9.bzdio',
    'rpm w3.zstdio',
    'deb zstd',
  ]),
  ...made('installer', 'infected', ['msi', 'cab mszip', 'cab stored']),
  ...casesOf(
    'installer',
    infectedBut(['nsis solid zlib']),
    ['7zz'],
    Object.fromEntries(
      ['zlib', 'bzip2', 'lzma', 'solid zlib', 'solid bzip2', 'solid lzma'].map((packing) => [
        `nsis ${packing}`,
        // 7-Zip and ClamAV look for the archive, and do not care about the program before it.
        () => bytes('MZ', Buffer.alloc(510), fixture(`nsis ${packing}`)),
      ]),
    ),
  ),
  ...casesOf('installer', 'infected', ['unzip'], {
    apk: () =>
      zip([
        { name: 'AndroidManifest.xml', data: HARMLESS },
        { name: 'classes.dex', data: bytes('dex\n035\0', TEXT) },
      ]),
  }),
  ...casesOf('compressor', 'infected', ['gzip', 'bzip2', 'xz', 'tar'], {
    gzip: () => gzipSync(TEXT),
    'gzip of gzip': () => gzipSync(gzipSync(TEXT)),
  }),
  ...made('compressor', 'infected', ['bzip2', 'xz', 'xz crc32', 'tar.bz2', 'tar.xz']),
  ...made('compressor', 'unscannable', COMPRESSED),
  ...made('compressor', 'infected', LEGIBLE),
  ...casesOf('compressor', 'unscannable', ['zstd'], {
    'zstd, made by zlib': () => zstdCompressSync(TEXT),
    'zstd behind a skippable frame': () => bytes(hex('502a4d18 04000000'), 'skip', fixture('zstd')),
    'zstd behind another skippable frame': () => bytes(hex('5f2a4d18 00000000'), fixture('zstd')),
    'zstd behind 300 skippable frames': () =>
      bytes(...Array.from({ length: 300 }, () => hex('5a2a4d18 08000000 4142434445464748')), fixture('zstd')),
  }),
  ...casesOf('compressor', 'infected', ['lz4'], {
    'lz4 behind a skippable frame': () => bytes(hex('502a4d18 04000000'), 'skip', fixture('raw lz4')),
  }),
  ...made('archive', 'unscannable', ARCHIVES),
  ...made('archive', 'infected', READABLE),
  ...made('archive', 'infected', ['zip bzip2', 'zip deflate64']),
  ...casesOf('archive', 'infected', ['unar', 'bsdtar'], {
    'ZOO, stored': () => zoo('p.txt', TEXT, 0),
    'StuffIt, stored': () => stuffIt('p.txt', TEXT, 0),
    'RAR 4, stored': () => rar4('p.txt', TEXT, 0x30),
    'RAR 5, stored': () => rar5('p.txt', TEXT),
  }),
  ...nested([...OPENED, ...LEGIBLE, ...READABLE, ...READABLE_IMAGES], 'infected'),
  ...nested([...COMPRESSED, ...ARCHIVES, ...IMAGES, ...FRAGMENTED], 'unscannable'),
  ...casesOf('compressor', 'infected', ['7zz'], {
    SZDD: () => szdd(TEXT),
    'SWF, zlib': () => bytes('CWS\x09', u32(TEXT.length + 8), deflateSync(TEXT)),
  }),
  ...casesOf('archive', 'unscannable', ['7zz', 'unar', 'unzip', 'tar'], {
    'ZOO, LZW': () => zoo('p.txt', TEXT, 1),
    'StuffIt, Huffman': () => stuffIt('p.txt', TEXT, 3),
    'RAR 4': () => rar4('p.txt', TEXT, 0x33),
    'RAR 4 behind a stub': () => bytes('MZ', Buffer.alloc(700, 0x90), rar4('p.txt', TEXT, 0x33)),
    'RAR 4 behind a script': () => bytes('#!/bin/sh\nexit\n', rar4('p.txt', TEXT, 0x33)),
    'ZOO, LZW, in a zip': () => zip([a, { name: 'p.zoo', data: zoo('p.txt', TEXT, 1) }]),
    'StuffIt, in a zip': () => zip([a, { name: 'p.sit', data: stuffIt('p.txt', TEXT, 3) }]),
    'RAR 4, in a zip': () => zip([a, { name: 'p.rar', data: rar4('p.txt', TEXT, 0x33) }]),
    'RAR 4, in a tar.gz': () => gzipSync(tar([a, { name: 'p.rar', data: rar4('p.txt', TEXT, 0x33) }])),
    '7z behind a stub': () => bytes('MZ', Buffer.alloc(700, 0x90), fixture('7z bzip2')),
    '7z behind a shell script': () =>
      bytes('#!/bin/sh\ntail -n +4 "$0" > /tmp/x\nexit\n', fixture('7z deflate')),
    'Deflate 7z behind one byte': () => bytes('x', fixture('7z deflate')),
  }),
  ...made('image of a disk', 'infected', READABLE_IMAGES),
  ...made('image of a disk', 'unscannable', [...IMAGES, ...FRAGMENTED, 'jffs2']),
  ...casesOf('image of a disk', 'unscannable', ['viewer'], {
    'vmdk streamOptimized': () => fixture('vmdk streamOptimized'),
  }),
  ...casesOf('image of a disk', 'infected', ['viewer'], {
    'VMDK, stored': () => bytes('KDMV', hex('01000000'), Buffer.alloc(504), TEXT),
    'DMG trailer': () => bytes(TEXT, 'koly', hex('00000004 00000200'), Buffer.alloc(500)),
  }),
  ...casesOf('image of a disk', 'infected', ['7zz'], {
    'DMG, stored': () => dmg('stored', SECTORS, SECTORS.length),
    'DMG, ADC': () => dmg('ADC', adc(SECTORS), SECTORS.length),
    'DMG, zlib': () => dmg('zlib', deflateSync(SECTORS), SECTORS.length),
    'DMG, bzip2': () => dmg('bzip2', fixture('two sectors bzip2'), SECTORS.length),
  }),
  ...casesOf('image of a disk', 'unscannable', ['7zz'], {
    'DMG, xz': () => dmg('xz', fixture('two sectors xz'), SECTORS.length),
    'boot record and FAT': () => partitioned(1, fixture('fat12 fragmented')),
    'boot record and SquashFS': () => partitioned(0x83, fixture('squashfs xz')),
    'boot record and CramFS': () => partitioned(0x83, fixture('cramfs')),
  }),
];

const SECTORS = bytes(TEXT, Buffer.alloc(-TEXT.length & 511));

/** A file as Microsoft's COMPRESS made it, without any repetition: a byte before each eight. */
function szdd(data: Uint8Array): Buffer {
  const runs = Array.from({ length: Math.ceil(data.length / 8) }, (_, at) =>
    data.subarray(8 * at, 8 * at + 8),
  );
  return bytes('SZDD\x88\xf0\x27\x33A\0', u32(data.length), ...runs.map((run) => bytes('\xff', run)));
}

/** Apple's data compression, without any repetition: a byte before each eight. */
function adc(data: Uint8Array): Buffer {
  const runs = Array.from({ length: Math.ceil(data.length / 8) }, (_, at) =>
    data.subarray(8 * at, 8 * at + 8),
  );
  return bytes(...runs.map((run) => bytes(Uint8Array.of(0x7f + run.length), run)));
}
