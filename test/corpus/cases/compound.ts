import { deflateSync } from 'node:zlib';
import { bytes, fixture, hex, u32, zip } from '../build.ts';
import { type Case, casesOf, HARMLESS, MARKER, TEXT } from '../case.ts';
import { macro, ole2, packaged, type Stream } from '../ole2.ts';

/** Larger than what goes into the mini stream. */
const LONG = bytes(...Array.from({ length: 12 }, () => HARMLESS), TEXT);
/** The begin of a document in which nothing is encrypted. */
const word: Stream = {
  path: 'WordDocument',
  data: bytes(hex('eca5c100'), Buffer.alloc(8), hex('bf00'), Buffer.alloc(5000)),
};
const excel: Stream = { path: 'Workbook', data: bytes(hex('0908100000060500'), Buffer.alloc(5000)) };
const show = (object: Uint8Array): readonly Stream[] => [
  { path: 'Current User', data: bytes(hex('0000f60f 20000000 14000000 5fc091e3'), Buffer.alloc(24)) },
  // An ExOleObjStg, compressed (MS-PPT 2.10.34), and another record.
  {
    path: 'PowerPoint Document',
    data: bytes(hex('10001110'), u32(object.length), object, hex('0000f203'), u32(5000), Buffer.alloc(5000)),
  },
];
const native = (name: string, data: Uint8Array): Stream => ({
  path: 'ObjectPool/_1/\x01Ole10Native',
  data: packaged(name, data),
});
const zipped = zip([{ name: 'p.txt', data: TEXT }]);
const module1 = bytes('Attribute VB_Name = "Module1"\r\nPrivate Const A = "', MARKER, '"\r\n');
const message = (attachment: Uint8Array, scattered = false) =>
  ole2(
    [
      { path: '__properties_version1.0', data: Buffer.alloc(32) },
      { path: '__substg1.0_1000001F', data: Buffer.from('See the attachment.', 'utf16le') },
      { path: '__attach_version1.0_#00000000/__properties_version1.0', data: Buffer.alloc(8) },
      { path: '__attach_version1.0_#00000000/__substg1.0_37010102', data: attachment },
    ],
    { scattered },
  );
const large = (scattered: boolean) =>
  ole2(
    [
      { path: 'Filler of 14 MB', data: Buffer.alloc(14 * 2 ** 20, 'x') },
      { path: 'CONTENTS', data: LONG },
    ],
    { scattered },
  );

const DOCUMENTS: Readonly<Record<string, () => Buffer>> = {
  'doc, small stream': () => ole2([word, { path: 'CONTENTS', data: TEXT }]),
  'doc, stream': () => ole2([word, { path: 'CONTENTS', data: LONG }]),
  'doc, small stream, scattered': () => ole2([word, { path: 'CONTENTS', data: TEXT }], { scattered: true }),
  'doc, stream, scattered': () => ole2([word, { path: 'CONTENTS', data: LONG }], { scattered: true }),
  'doc, package': () => ole2([word, native('p.txt', TEXT)]),
  'doc, package, scattered': () => ole2([word, native('p.txt', TEXT)], { scattered: true }),
  'doc, package with a zip': () => ole2([word, native('p.zip', zipped)], { scattered: true }),
  'doc, package with a bzip2': () => ole2([word, native('p.bz2', fixture('bzip2'))], { scattered: true }),
  'doc in a doc': () =>
    ole2([
      word,
      { path: 'ObjectPool/_1/Package', data: ole2([word, native('p.txt', TEXT)], { scattered: true }) },
    ]),
  'xls, package': () =>
    ole2([excel, { path: 'MBD1/\x01Ole10Native', data: packaged('p.txt', TEXT) }], { scattered: true }),
  'xls, embedded docx': () => ole2([excel, { path: 'MBD1/Package', data: zipped }], { scattered: true }),
  'doc of 14 MB': () => large(false),
  'doc of 14 MB, scattered': () => large(true),
  'sectors of 4 KiB': () => ole2([word, { path: 'CONTENTS', data: TEXT }], { sector: 4096 }),
};

/** No program of Debian unpacks these two, but office programs. */
const PACKED: Readonly<Record<string, () => Buffer>> = {
  'doc, macro': () => ole2([word, ...macro('Macros', module1)]),
  'xls, macro': () => ole2([excel, ...macro('_VBA_PROJECT_CUR', module1)], { scattered: true }),
  'ppt, object': () => ole2(show(bytes(u32(TEXT.length), deflateSync(TEXT)))),
};

const MESSAGES: Readonly<Record<string, () => Buffer>> = {
  'msg, attachment': () => message(TEXT),
  'msg, attachment, scattered': () => message(TEXT, true),
  'msg, zip': () => message(zipped, true),
  'msg in a zip': () => zip([{ name: 'a.msg', data: message(zipped, true) }]),
  'msg, doc with a package': () => message(ole2([word, native('p.txt', TEXT)], { scattered: true }), true),
};

export const compound: readonly Case[] = [
  ...casesOf('document', 'infected', ['7zz'], DOCUMENTS),
  ...casesOf('document', 'infected', ['office program'], PACKED),
  ...casesOf('mail', 'infected', ['7zz'], MESSAGES),
  ...casesOf('document', 'unscannable', ['7zz'], {
    'sectors of 4 KiB, a package': () =>
      ole2([word, native('p.txt', TEXT)], { sector: 4096, scattered: true }),
    'package with a deflated 7z': () =>
      ole2([word, native('p.7z', fixture('7z deflate'))], { scattered: true }),
  }),
];
