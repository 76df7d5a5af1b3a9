import { gzipSync } from 'node:zlib';
import { bytes, hex, tar, zip } from '../build.ts';
import { type Case, casesOf, infectedBut, MARKER, TEXT } from '../case.ts';

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

/** The other types of ClamAV's table that are known by a fixed beginning, but for mails and Python. */
const KNOWN = {
  gzip: '1f8b',
  SCRENC: '23407e5e',
  BMP: '424d',
  bzip2: '425a68',
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
  'Mach-O, 64 bit big endian': 'feedfacf',
  BinHex: '28546869732066696c65206d75737420626520636f6e76657274656420776974682042696e48657820342e3029',
  ASP: '3c2540204c414e4755414745203d',
  'properties of ClamAV': '7b20224d61676963223a2022434c414d4a534f4e763022',
  'properties of ClamAV, on lines': '7b0a2020224d61676963223a22434c414d4a534f4e763022',
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
  'Java class, before version 48': 'cafebabe0000002e',
  'universal binary': 'cafebabe00000002',
  'universal binary of 16': 'cafebabe00000010',
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
  ALZ: '414c5a01',
  GGUF: '4747554603000000',
  HWP3: '48575020446f63756d656e742046696c652056332e3030201a0102030405',
  'APM disk': '45520200',
  LHA: '21002d6c68352d',
  LZS: '21002d6c7a352d',
  PMarc: '21002d706d302d',
};

/** The beginnings of a mail. */
const MAILS = [
  '>From ',
  'Date: ',
  'Delivered-To: ',
  'Delivery-date: ',
  'Envelope-to: ',
  'For: ',
  'From ',
  'From: ',
  'Hi. This is the qmail-send',
  'MIME-Version: 1.0\nContent-Type: ',
  'Message-ID: ',
  'Message-Id: ',
  'Received-SPF: ',
  'Received: ',
  'Return-Path: ',
  'Return-path: ',
  'Subject: ',
  'To: ',
  'X-Apparently-To: ',
  'X-EVS',
  'X-Envelope-From: ',
  'X-Original-To: ',
  'X-Real-To: ',
  'X-Sieve: ',
  'X-Symantec-',
  'X-UIDL: ',
  'v:\nReceived: ',
  'v:\r\nReceived: ',
];

/** Types that ClamAV knows by bytes that stand further in, behind 'A' up to there. */
const FURTHER_IN: Readonly<Record<string, readonly [offset: number, magic: string]>> = {
  'HWP with OLE2': [4, 'd0cf11e0a1b11ae1'],
  SIS: [8, '19040010'],
  tar: [257, '7573746172'],
  'boot record': [510, '55aa'],
  GPT: [512, '4546492050415254'],
  'mail behind text': [600, hexOf('\nFrom: a\nMIME-Version: 1.0\nContent-Type: text/plain\n\n')],
  'HFS+': [1024, '482b0004'],
  HFSX: [1024, '48580005'],
  'UDF alone': [32768, '004245413031'],
  ISO: [32769, '4344303031'],
};

/** Tags by which ClamAV knows HTML wherever they stand, but for `<html>` and `<script>`, which other cases have. */
const TAGS = [
  '<A hrEF',
  '<A href',
  '<a hrEF',
  '<HEAD>',
  '<HTML>',
  '<Head>',
  '<Html>',
  '<IFRAME ',
  '<IMG ',
  '<Img ',
  '<OBJECT ',
  '<Object ',
  '<SCRIPT ',
  '<Script ',
  '<TABLE ',
  '<head>',
  '<iframe ',
  '<img ',
  '<object ',
  '<table ',
];

/** Types that ClamAV looks for everywhere, or in XML: here at the start. */
const PATTERNS = {
  PE: `4d5a${'41'.repeat(60)}50450000`,
  'ARJ behind a stub': '60ea000000000000000102',
  'ARJ behind a stub, method 2': '60ea000000000000000202',
  AutoIt: 'a3484bbe986c4aa9994c530a86d6487d4155332145413036',
  NSIS: 'efbeadde4e756c6c736f6674496e7374',
  InstallShield: `496e7374616c6c536869656c6400${'00'.repeat(292)}060000000000000041414141414141410000000001`,
  'PDF in small letters': '257064662d312e',
  'ISO in small': `014344303031${'00'.repeat(2043)}4344303031`,
  'Apple partitions': `4552${'00'.repeat(510)}504d0000`,
  XDP: hexOf('<xdp:xdp'),
  'mail, with its id': hexOf('a\nMessage-Id: <a>\nContent-Type: text/plain\n\n'),
  'mail, received': hexOf('a\nReceived: from a\nContent-Type: text/plain\n\n'),
  'mail, delivered': hexOf('Delivered-To: a\nReceived: from a\n\n'),
  'Excel 2003 XML': hexOf('<?xml version="1.0"?><Workbook>'),
  'Excel 2003 XML with a prefix': hexOf('<?xml version="1.0"?><x:Workbook>'),
  'Word 2003 XML without a prefix': hexOf('<?xml version="1.0"?><wordDocument>'),
  'Word 2003 XML by its program': hexOf('<?xml version="1.0"?><?mso-application progid="Word.Document"?>'),
  HWPML: hexOf('\ufeff<?xml version="1.0"?><HWPML>'),
};

/** The first 2 bytes of Python's bytecode, before a carriage return and a line feed, from 1.0 to 3.9 and of PyPy. */
const PYTHON =
  '892e 0417 994e fcc4 fdc4 87c6 88c6 2aeb 2beb 2ded 2eed 3bf2 3cf2 45f2 59f2 63f2 6df2 6ef2 77f2 81f2 8bf2 8cf2 95f2 ' +
  '9ff2 a9f2 b3f2 b4f2 c7f2 d1f2 d2f2 dbf2 e5f2 eff2 f9f2 03f3 04f3 0af3 b80b c20b cc0b d60b e00b ea0b f40b f50b ff0b ' +
  '090c 130c 1d0c 1f0c 270c 3b0c 450c 4f0c 580c 620c 6c0c 760c 800c 8a0c 940c 9e0c b20c bc0c c60c d00c da0c e40c ee0c ' +
  'f80c 020d 0c0d 160d 170d 200d 210d 2a0d 2b0d 2c0d 2d0d 2f0d 300d 310d 320d 330d 3e0d 3f0d 420d 550d f00d 0001 5001';

const mails = Object.fromEntries(MAILS.map((text) => [`mail, ${JSON.stringify(text)}`, hexOf(text)]));
const python = Object.fromEntries([
  ['Python 1.0', '02099900'],
  ['Python 1.1', '03099900'],
  ...PYTHON.split(' ').map((magic) => [`Python ${magic}`, `${magic}0d0a`]),
]);
const tags = Object.fromEntries(TAGS.map((text) => [`HTML, ${text}`, hexOf(text)]));
const furtherIn = Object.fromEntries(
  Object.entries(FURTHER_IN).map(([name, [offset, magic]]) => [name, '41'.repeat(offset) + magic]),
);

function hexOf(text: string): string {
  return Buffer.from(text).toString('hex');
}

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

const BEGINNINGS = { ...KNOWN, ...mails, ...furtherIn, ...tags, ...PATTERNS };

/** Magic bytes that are refused before a zip: the formats are archives themselves, or all that is matched are bytes. */
const REFUSED = [
  'cpio, binary',
  'cpio, binary big endian',
  'gzip',
  'image of a PDF',
  'mIRC script',
  'tar',
  'zip',
  'zip, PK00',
].map((name) => `${name}, before a zip`);

/** Those that go on after what they do not know: cmd, sh, php. */
const SCRIPT_HOSTS = ['script host'] as const;

export const magics: readonly Case[] = [
  ...casesOf(
    'magic number',
    'infected',
    SCRIPT_HOSTS,
    each({ ...IGNORED, ...BEGINNINGS, ...python }, 'before a script', beforeScript),
  ),
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
    infectedBut(REFUSED),
    ['unzip', 'Python zipfile', '7zz'],
    each({ ...IGNORED, ...BEGINNINGS }, 'before a zip', beforeZip),
  ),
];
