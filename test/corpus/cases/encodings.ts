import { bytes, fixture, hex, mail, zip } from '../build.ts';
import { type Case, casesOf, HARMLESS, MARKER, TEXT } from '../case.ts';
import {
  attached,
  attribute,
  binHex,
  compressedRtf,
  properties,
  tnef,
  utf7,
  xxencode,
  yEnc,
} from '../encodings.ts';

const zipped = () => zip([{ name: 'p.txt', data: TEXT }]);
const lines = (data: Uint8Array) => Buffer.from(data).toString('base64').replace(/.{76}/g, '$&\r\n');
const part = (type: string, encoding: string) => ({
  'Content-Type': type,
  'Content-Transfer-Encoding': encoding,
});
/** An attachment of which the properties hold the content. */
const byProperties = (content: Uint8Array) =>
  bytes(
    attribute(2, 0x00069002, hex('0100ffffffff0000000000000000')),
    attribute(2, 0x00069005, properties({ 14081: content })),
  );
const rtf = () => bytes('{\\rtf1\\ansi ', MARKER.toString('latin1').replaceAll(/[\\{}]/g, '\\$&'), '}');
const page = `<html><body>${MARKER.toString('latin1')}</body></html>`;
const script = () => fixture('encoded script');

const TNEF_FOUND: Readonly<Record<string, () => Buffer>> = {
  'TNEF, attachment': () => tnef(attached('p.txt', TEXT)),
  'TNEF, zip': () => tnef(attached('p.zip', zipped())),
  'TNEF, bzip2': () => tnef(attached('p.bz2', fixture('bzip2'))),
  'TNEF, text': () => tnef(attribute(1, 0x0002800c, bytes(TEXT, '\0'))),
  'TNEF, properties with a zip': () => tnef(byProperties(zipped())),
  'TNEF in a mail': () =>
    mail(lines(tnef(attached('p.bz2', fixture('bzip2')))), part('application/ms-tnef', 'base64')),
};
const TNEF_HIDDEN: Readonly<Record<string, () => Buffer>> = {
  'TNEF, a second attachment': () => tnef(attached('a.txt', HARMLESS), attached('p.bz2', fixture('bzip2'))),
  'TNEF, properties with a bzip2': () => tnef(byProperties(fixture('bzip2'))),
  'TNEF, compressed RTF': () => tnef(attribute(1, 0x00069003, properties({ 4105: compressedRtf(rtf()) }))),
  'TNEF, compressed RTF, in a mail': () =>
    mail(
      lines(tnef(attribute(1, 0x00069003, properties({ 4105: compressedRtf(rtf()) })))),
      part('application/ms-tnef', 'base64'),
    ),
};

const CODED_FOUND: Readonly<Record<string, () => Buffer>> = {
  'yEnc, by a header of a mail': () => mail(yEnc('p.txt', TEXT), part('application/octet-stream', 'x-yenc')),
  'yEnc in a mail': () => mail(yEnc('p.txt', TEXT), part('text/plain', '8bit')),
  BinHex: () => binHex('p.txt', TEXT),
  'BinHex of a zip': () => binHex('p.zip', zipped()),
  'BinHex in a mail': () =>
    mail(binHex('p.txt', TEXT).toString('latin1'), part('application/mac-binhex40', '7bit')),
};
const CODED_HIDDEN: Readonly<Record<string, () => Buffer>> = {
  yEnc: () => bytes(yEnc('p.txt', TEXT)),
  'yEnc behind text': () => bytes(HARMLESS, yEnc('p.txt', TEXT)),
  'yEnc in a mail of one part': () => bytes('From: a@example.org\r\nSubject: a\r\n\r\n', yEnc('p.txt', TEXT)),
  'yEnc in a zip': () => zip([{ name: 'a', data: bytes(yEnc('p.txt', TEXT)) }]),
  'BinHex behind text': () => bytes(HARMLESS, binHex('p.txt', TEXT)),
  xxencode: () => bytes(xxencode('p.txt', TEXT)),
  'xxencode behind text': () => bytes(HARMLESS, xxencode('p.txt', TEXT)),
  'xxencode in a mail': () => mail(xxencode('p.txt', TEXT), part('text/plain', '7bit')),
  'uuencode behind text': () => bytes(HARMLESS, fixture('uuencode')),
  'uuencode behind text, in a zip': () => zip([{ name: 'a', data: bytes(HARMLESS, fixture('uuencode')) }]),
  'uuencode, base64, behind text': () => bytes(HARMLESS, fixture('uuencode base64')),
};

const UTF7: Readonly<Record<string, () => Buffer>> = {
  'page in UTF-7': () => mail(utf7(page), part('text/html; charset=utf-7', '7bit')),
  'page in UTF-7, by base64': () =>
    mail(lines(bytes(utf7(page))), part('text/html; charset="UTF-7"', 'base64')),
  'text in UTF-7': () =>
    mail(utf7(TEXT.toString('latin1')), part('text/plain; charset=unicode-1-1-utf-7', '7bit')),
};

const SIGNED: Readonly<Record<string, () => Buffer>> = {
  'p7m with a mail': () => fixture('p7m'),
  'p7m with a mail, streamed': () => fixture('p7m streamed'),
  'p7m with a text': () => fixture('p7m with a text'),
  'p7m in a mail': () => mail(lines(fixture('p7m')), part('application/pkcs7-mime', 'base64')),
};
const PGP: Readonly<Record<string, () => Buffer>> = {
  'OpenPGP, by a password': () => fixture('gpg'),
  'OpenPGP, by a password, armoured, behind text': () => bytes(HARMLESS, fixture('gpg armoured')),
  'OpenPGP, compressed by BZip2': () => fixture('gpg bzip2'),
  'OpenPGP, compressed by zlib': () => fixture('gpg zlib'),
};

export const encodings: readonly Case[] = [
  ...casesOf('mail', 'infected', ['tnef', 'unzip', 'bzip2', 'Python email'], TNEF_FOUND),
  ...casesOf('mail', 'unscannable', ['tnef', 'bzip2', 'unrtf', 'Python email'], TNEF_HIDDEN),
  ...casesOf('encoding', 'infected', ['uudeview', 'unzip', 'Python email'], CODED_FOUND),
  ...casesOf('encoding', 'unscannable', ['uudeview', 'unzip', 'Python email'], CODED_HIDDEN),
  ...casesOf('mail', 'infected', ['openssl', 'Python email'], SIGNED),
  ...casesOf('mail', 'unscannable', ['openssl', 'bzip2', 'Python email'], {
    'p7m with a bzip2': () => fixture('p7m with a bzip2'),
    'p7m with a bzip2, in a mail': () =>
      mail(lines(fixture('p7m with a bzip2')), part('application/pkcs7-mime', 'base64')),
  }),
  ...casesOf('encoding', 'unscannable', ['gpg'], PGP),
  ...casesOf('mail', 'unscannable', ['Python email'], UTF7),
  ...casesOf('script and HTML', 'infected', ['script host'], {
    'encoded script': script,
    'encoded script, in a zip': () => zip([{ name: 'a.vbe', data: script() }]),
  }),
  ...casesOf('script and HTML', 'unscannable', ['script host'], {
    'encoded script behind a comment': () => bytes("' '**Start Encode**\r\n", script()),
    'HTML, encoded script': () =>
      bytes('<html><script language="VBScript.Encode">', script(), '</script></html>'),
    'HTA, encoded script': () =>
      bytes('<hta:application id="a"/><script language="JScript.Encode">', script(), '</script>'),
    'WSF, encoded script': () =>
      bytes('<job><script language="VBScript.Encode">', script(), '</script></job>'),
  }),
];
