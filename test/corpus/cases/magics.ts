import { gzipSync } from 'node:zlib';
import { bytes, hex, tar, zip } from '../build.ts';
import { type Case, casesOf, MARKER, TEXT } from '../case.ts';

/** Types that ClamAV knows by their first bytes and does not scan at all: CL_TYPE_IGNORED. */
const IGNORED = {
  'MP3 with ID3': '494433',
  'MP3 frame': 'fffb90',
  Ogg: '4f676753',
  RealMedia: '2e524d46',
  'SQLite database': '53514c69746520666f726d6174203300',
  'SQLite journal': 'd9d505f920a163d7',
  'SQLite WAL, little endian': '377f0682002de218',
  'SQLite WAL, big endian': '377f0683002de218',
  'SIP log': '5349502d48495420285349502f48',
  'Symantec data': '53594d430100',
  'image of a PDF': `2f5247420a49440a${'ff'.repeat(24)}`,
};

/** The other types of ClamAV's table that are known by a fixed beginning. */
const KNOWN = {
  gzip: '1f8b',
  SCRENC: '23407e5e',
  BMP: '424d',
  bzip2: '425a68',
  'mail, Date': '446174653a20',
  'mail, From': '46726f6d3a20',
  mbox: '46726f6d20',
  CHM: '49545346',
  'DOS program': '4d5a',
  zip: '504b0304',
  'zip, split': '504b0708504b0304',
  'zip, PK00': '504b3030504b0304',
  RIFF: '52494646',
  RIFX: '52494658',
  RAR: '52617221',
  SZDD: '535a4444',
  ARJ: '60ea',
  uuencode: '626567696e20',
  TNEF: '789f3e22',
  ELF: '7f454c46',
  CryptFF: 'b6b9acaefeffffff',
  OLE2: 'd0cf11e0a1b11ae1',
  'mIRC script': '5b616c69617365735d',
  'Mach-O': 'cefaedfe',
  'Mach-O, 64 bit': 'cffaedfe',
  'Mach-O, big endian': 'feedface',
  '7z': '377abcaf271c',
  'cpio, newc': '303730373031',
  'cpio, crc': '303730373032',
  'cpio, odc': '303730373037',
  'cpio, binary': 'c771',
  'cpio, binary big endian': '71c7',
  PDF: '255044462d',
  SWF: '465753',
  'SWF, zlib': '435753',
  'SWF, LZMA': '5a5753',
  CAB: '4d53434600000000',
  JPEG2000: '0000000c6a5020200d0a870a',
  'MPEG video': '000001b3',
  'MPEG system': '000001ba',
  'Java class': 'cafebabe00000034',
  'universal binary': 'cafebabe00000002',
  XAR: '78617221',
  xz: 'fd377a585a00',
  Zstandard: '28b52ffd',
  'Zstandard, skippable': '502a4d18',
  RTF: '7b5c7274',
  PostScript: '252150532d41646f62652d',
  LNK: '4c0000000114020000000000c000000000000046',
  EGG: '45474741',
  PNG: '89504e470d0a1a0a',
  GIF: '474946383961',
  JPEG: 'ffd8ff',
  'TIFF, little endian': '49492a00',
  'TIFF, big endian': '4d4d002a',
  OneNote: 'e4525c7b8cd8a74daeb15378d02996d3',
  'Python 2.7': '03f30d0a',
  'Python 3.8': '550d0d0a',
  ALZ: '414c5a01',
  GGUF: '4747554603000000',
  HWP3: '48575020446f63756d656e742046696c652056332e3030201a0102030405',
  'APM disk': '45520200',
  LHA: '21002d6c68352d',
};

const beforeScript = (magic: string) => bytes(hex(magic), '=1;\r\nvar x="', MARKER, '"\r\n');
const beforeZip = (magic: string) => bytes(hex(magic), zip([{ name: 'p.txt', data: TEXT }]));

function each(
  magics: Readonly<Record<string, string>>,
  what: string,
  make: (magic: string) => Buffer,
): Record<string, () => Buffer> {
  return Object.fromEntries(
    Object.entries(magics).map(([name, magic]) => [`${name}, ${what}`, () => make(magic)]),
  );
}

/** Those that go on after what they do not know: cmd, sh, php. */
const SCRIPT_HOSTS = ['script host'] as const;

export const magics: readonly Case[] = [
  ...casesOf('magic number', 'infected', SCRIPT_HOSTS, each(IGNORED, 'before a script', beforeScript)),
  ...casesOf('magic number', 'either', SCRIPT_HOSTS, each(KNOWN, 'before a script', beforeScript)),
  ...casesOf(
    'magic number',
    'infected',
    ['unzip'],
    each(IGNORED, 'before a script, in a zip', (magic) =>
      zip([
        { name: 'a.txt', data: Buffer.from('a') },
        { name: 'p.js', data: beforeScript(magic) },
      ]),
    ),
  ),
  ...casesOf(
    'magic number',
    'infected',
    ['tar'],
    each(IGNORED, 'before a script, in a tar.gz', (magic) =>
      gzipSync(
        tar([
          { name: 'a.txt', data: Buffer.from('a') },
          { name: 'p.js', data: beforeScript(magic) },
        ]),
      ),
    ),
  ),
  ...casesOf(
    'polyglot',
    'either',
    ['unzip', 'Python zipfile', '7zz'],
    each({ ...IGNORED, ...KNOWN }, 'before a zip', beforeZip),
  ),
];
