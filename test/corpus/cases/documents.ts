import { deflateSync } from 'node:zlib';
import { bytes, fixture, hex, mail, pdf, zip } from '../build.ts';
import { type Case, casesOf, HARMLESS, infectedBut, MARKER, TEXT } from '../case.ts';
import { lzw } from '../old-archives.ts';

const base64 = TEXT.toString('base64');
const lines = base64.replace(/.{76}/g, '$&\r\n');
const quotedPrintable = [...TEXT]
  .map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`)
  .join('')
  .replace(/.{72}/g, '$&=\r\n');
const attached = (encoding: string) => ({
  'Content-Type': 'application/octet-stream; name="p.txt"',
  'Content-Transfer-Encoding': encoding,
  'Content-Disposition': 'attachment; filename="p.txt"',
});
const inner = () => mail(lines, attached('base64'));

const MAILS: Readonly<Record<string, () => Buffer>> = {
  'base64 attachment': () => mail(lines, attached('base64')),
  'base64 attachment, LF': () => mail(lines, attached('base64'), '\n'),
  'base64 without line breaks': () => mail(base64, attached('base64')),
  'BASE64 in capitals': () => mail(lines, attached('BASE64')),
  'base64 with blanks in it': () => mail(base64.replace(/.{10}/g, '$& '), attached('base64')),
  'base64 without padding': () => mail(base64.replaceAll('=', ''), attached('base64')),
  'quoted-printable': () => mail(quotedPrintable, attached('quoted-printable')),
  '8bit': () => mail(TEXT.toString('latin1'), attached('8bit')),
  uuencoded: () => mail(fixture('uuencode').toString('latin1'), attached('x-uuencode')),
  'uuencoded in the text': () =>
    mail(fixture('uuencode').toString('latin1'), { 'Content-Type': 'text/plain' }),
  'mail in a mail': () => mail(inner().toString('latin1'), { 'Content-Type': 'message/rfc822' }),
  'zip in a mail': () =>
    mail(
      zip([{ name: 'p.txt', data: TEXT }])
        .toString('base64')
        .replace(/.{76}/g, '$&\r\n'),
      attached('base64'),
    ),
  mbox: () =>
    bytes(
      'From a@example.org Mon Jan  1 00:00:00 2024\n',
      mail(lines, attached('base64'), '\n'),
      '\nFrom b@example.org Mon Jan  1 00:00:00 2024\n',
      mail('none', { 'Content-Type': 'text/plain' }, '\n'),
    ),
  'mbox, the second': () =>
    bytes(
      'From b@example.org Mon Jan  1 00:00:00 2024\n',
      mail('none', { 'Content-Type': 'text/plain' }, '\n'),
      '\nFrom a@example.org Mon Jan  1 00:00:00 2024\n',
      mail(lines, attached('base64'), '\n'),
    ),
};

const one = (headers: string) => bytes(headers, '\r\n\r\n', lines);
const coded = 'Content-Type: application/octet-stream; name="p.txt"\r\nContent-Transfer-Encoding: base64';
/** Mails that ClamAV alone would not take for one. */
const HEADERS: Readonly<Record<string, () => Buffer>> = {
  'begins with its content type': () => one(`${coded}\r\nSubject: a`),
  'begins with its content type in small letters': () => one(coded.toLowerCase()),
  'begins with its content type in capitals': () => one(coded.toUpperCase()),
  'begins with a header that nobody knows': () => one(`X-A: b\r\n${coded}`),
  'in capitals, begins with a header that nobody knows': () => one(`X-A: b\r\n${coded.toUpperCase()}`),
};
const PARTS: Readonly<Record<string, () => Buffer>> = {
  'message/partial, the only part': () =>
    bytes('From: a\r\nContent-Type: message/partial; number=1; total=1; id="a"\r\n\r\n', inner()),
  'multipart/parallel': () =>
    bytes(inner().toString('latin1').replace('multipart/mixed', 'multipart/parallel')),
  'ends of lines as of old Macintoshes': () => mail(lines.replaceAll('\r\n', '\r'), attached('base64'), '\r'),
};

const alphabet = (data: Uint8Array) => [...data].map((byte) => byte.toString(16).padStart(2, '0')).join('');

function ascii85(data: Buffer): string {
  let text = '';
  for (let at = 0; at < data.length; at += 4) {
    const group = Buffer.alloc(4);
    data.copy(group, 0, at);
    let value = group.readUInt32BE();
    const digits: string[] = [];
    for (let digit = 0; digit < 5; digit++) {
      digits.unshift(String.fromCharCode(33 + (value % 85)));
      value = Math.floor(value / 85);
    }
    text += digits.slice(0, Math.min(4, data.length - at) + 1).join('');
  }
  return `${text}~>`;
}

/** Two bytes at a time, so that nothing is legible. */
function runLength(data: Uint8Array): Buffer {
  const pairs = Array.from({ length: Math.ceil(data.length / 2) }, (_, at) =>
    data.subarray(2 * at, 2 * at + 2),
  );
  return bytes(...pairs.map((pair) => bytes(Uint8Array.of(pair.length - 1), pair)), hex('80'));
}

const PDFS: Readonly<Record<string, () => Buffer>> = {
  'PDF, plain stream': () => pdf([{ entries: '', data: TEXT }]),
  'PDF, Flate': () => pdf([{ entries: '/Filter /FlateDecode', data: deflateSync(TEXT) }]),
  'PDF, Fl by its short name': () => pdf([{ entries: '/Filter /Fl', data: deflateSync(TEXT) }]),
  'PDF, ASCIIHex': () => pdf([{ entries: '/Filter /ASCIIHexDecode', data: bytes(`${alphabet(TEXT)}>`) }]),
  'PDF, ASCII85': () => pdf([{ entries: '/Filter /ASCII85Decode', data: bytes(ascii85(TEXT)) }]),
  'PDF, ASCII85 of Flate': () =>
    pdf([{ entries: '/Filter [/ASCII85Decode /FlateDecode]', data: bytes(ascii85(deflateSync(TEXT))) }]),
  'PDF, ASCIIHex of Flate': () =>
    pdf([
      { entries: '/Filter [/ASCIIHexDecode /FlateDecode]', data: bytes(`${alphabet(deflateSync(TEXT))}>`) },
    ]),
  'PDF, Flate of Flate': () =>
    pdf([{ entries: '/Filter [/FlateDecode /FlateDecode]', data: deflateSync(deflateSync(TEXT)) }]),
  'PDF, embedded file': () => fixture('pdf attachment'),
  'PDF, embedded zip': () =>
    pdf([
      { entries: '', data: HARMLESS },
      { entries: '/Type /EmbeddedFile', data: zip([{ name: 'p.txt', data: TEXT }]) },
    ]),
  'PDF, object streams': () => fixture('pdf object streams'),
  'PDF, encrypted with no password': () => fixture('pdf encrypted'),
  'PDF, encrypted by RC4 with no password': () => fixture('pdf encrypted RC4'),
  'PDF, LZW': () => pdf([{ entries: '/Filter /LZWDecode', data: lzw(TEXT, 'high') }]),
  'PDF, RunLength': () => pdf([{ entries: '/Filter /RunLengthDecode', data: runLength(TEXT) }]),
  'PDF behind 900 bytes': () =>
    bytes('\n'.repeat(900), pdf([{ entries: '/Filter /FlateDecode', data: deflateSync(TEXT) }])),
  'PDF behind a GIF': () =>
    bytes('GIF89a', Buffer.alloc(200), pdf([{ entries: '/Filter /FlateDecode', data: deflateSync(TEXT) }])),
  'PDF, two of them': () =>
    bytes(
      pdf([{ entries: '', data: HARMLESS }]),
      pdf([{ entries: '/Filter /FlateDecode', data: deflateSync(TEXT) }]),
    ),
};

const types =
  '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>';
const ooxml = (name: string, data: Uint8Array) =>
  zip([
    { name: '[Content_Types].xml', data: Buffer.from(types) },
    { name: 'word/document.xml', data: HARMLESS },
    { name, data },
  ]);
const odf = (name: string, data: Uint8Array) =>
  zip([
    { name: 'mimetype', data: Buffer.from('application/vnd.oasis.opendocument.text'), method: 0 },
    { name: 'content.xml', data: HARMLESS },
    { name, data },
  ]);

const xdp = () =>
  bytes(
    '<?xml version="1.0"?><xdp:xdp xmlns:xdp="http://ns.adobe.com/xdp/"><pdf xmlns="http://ns.adobe.com/xdp/pdf/"><document><chunk>',
    pdf([{ entries: '', data: TEXT }]).toString('base64'),
    '</chunk></document></pdf></xdp:xdp>',
  );

const OFFICE: Readonly<Record<string, () => Buffer>> = {
  'docx, in the text': () => ooxml('word/footer.xml', TEXT),
  'docx, embedded': () => ooxml('word/embeddings/oleObject1.bin', TEXT),
  'docx, embedded zip': () => ooxml('word/embeddings/package.zip', zip([{ name: 'p.txt', data: TEXT }])),
  'docx in a docx': () => ooxml('word/embeddings/inner.docx', ooxml('word/embeddings/oleObject1.bin', TEXT)),
  'xlsm, macro': () => ooxml('xl/vbaProject.bin', TEXT),
  'odt, macro': () => odf('Basic/Standard/Module1.xml', TEXT),
  'odt, object': () => odf('Object 1', TEXT),
  epub: () => odf('OEBPS/page.xhtml', TEXT),
  'RTF, object': () =>
    bytes(
      '{\\rtf1 {\\object\\objemb{\\*\\objdata 0105000002000000080000005061636b616765000000000000000000bd030000',
      alphabet(TEXT),
      '}}}',
    ),
  'RTF, hexadecimal': () => bytes('{\\rtf1 {\\*\\objdata ', alphabet(TEXT), '}}'),
  'Word 2003 XML': () =>
    bytes(
      '<?xml version="1.0"?><w:wordDocument xmlns:w="http://schemas.microsoft.com/office/word/2003/wordml"><w:binData w:name="p">',
      base64,
      '</w:binData></w:wordDocument>',
    ),
  'flat ODF': () =>
    bytes(
      '<?xml version="1.0"?><office:document><office:binary-data>',
      base64,
      '</office:binary-data></office:document>',
    ),
  'CSV, formula': () => bytes('a;b\n=cmd|"', MARKER, '"\n'),
};

/** Where a text within the document holds another. */
const CODED = ['RTF, object', 'RTF, hexadecimal', 'Word 2003 XML', 'flat ODF'];

const js = `var x="${MARKER.toString('latin1').replaceAll('\\', '\\')}"`;
const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le');
const SCRIPTS: Readonly<Record<string, () => Buffer>> = {
  'HTML, in a comment': () => bytes('<html><body><!-- ', MARKER, ' --></body></html>'),
  'HTML, in a script': () => bytes('<html><script>', js, '</script></html>'),
  'HTML, script in a comment': () => bytes('<html><script><!--\n', js, '\n//--></script></html>'),
  'HTML, conditional comment': () => bytes('<html><!--[if IE]>', MARKER, '<![endif]--></html>'),
  'HTML, behind text': () => bytes(HARMLESS, '<html><body><!-- ', MARKER, ' --></body></html>'),
  'HTML, UTF-16': () => utf16(`<html><script>${js}</script></html>`),
  'SVG, script': () => bytes('<svg xmlns="http://www.w3.org/2000/svg"><script>', js, '</script></svg>'),
  'SVG, comment': () => bytes('<svg xmlns="http://www.w3.org/2000/svg"><!-- ', MARKER, ' --></svg>'),
  'XHTML, CDATA': () =>
    bytes(
      '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><script><![CDATA[',
      js,
      ']]></script></html>',
    ),
  HTA: () => bytes('<hta:application id="a"/><script language="VBScript">x = "', MARKER, '"</script>'),
  JavaScript: () => bytes(js),
  'JavaScript, in a comment': () => bytes('/* ', MARKER, ' */'),
  VBScript: () => bytes("' ", MARKER, '\r\nMsgBox 1\r\n'),
  batch: () => bytes('@echo off\r\nrem ', MARKER, '\r\n'),
  PowerShell: () => bytes('# ', MARKER, '\nWrite-Host 1\n'),
  shell: () => bytes('#!/bin/sh\n: "', MARKER, '"\n'),
  'PHP behind a picture': () =>
    bytes(hex('ffd8ffe000104a464946'), Buffer.alloc(300), '<?php echo "', MARKER, '"; ?>'),
  MHTML: () => mail(lines, { 'Content-Type': 'text/html', 'Content-Transfer-Encoding': 'base64' }),
  WSF: () => bytes('<job><script language="JScript">', js, '</script></job>'),
  SCT: () => bytes('<?XML version="1.0"?><scriptlet><script><![CDATA[', js, ']]></script></scriptlet>'),
  'URL file': () => bytes('[InternetShortcut]\r\nURL=file://x/', MARKER, '\r\n'),
};

const dicom = (data: Uint8Array) => {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(data.length + (data.length & 1));
  return bytes(hex('42001100'), 'OB', hex('0000'), length, data, data.length & 1 ? '\0' : '');
};
const preamble = (begin: Uint8Array) =>
  bytes(begin, Buffer.alloc(128 - begin.length), 'DICM', hex('02000000 554c 0400 00000000'));

const MEDICAL: Readonly<Record<string, () => Buffer>> = {
  'DICOM, encapsulated text': () => bytes(preamble(Buffer.alloc(0)), dicom(TEXT)),
  'DICOM, encapsulated PDF': () =>
    bytes(
      preamble(Buffer.alloc(0)),
      dicom(pdf([{ entries: '/Filter /FlateDecode', data: deflateSync(TEXT) }])),
    ),
  'DICOM, encapsulated zip': () =>
    bytes(preamble(Buffer.alloc(0)), dicom(zip([{ name: 'p.txt', data: TEXT }]))),
  'DICOM with a program for preamble': () =>
    bytes(preamble(hex('4d5a9000')), dicom(bytes(Buffer.alloc(64, 0x90), MARKER))),
  'DICOM with an MP3 for preamble': () => bytes(preamble(bytes('ID3')), dicom(TEXT)),
  'DICOM with a picture for preamble': () => bytes(preamble(hex('49492a00')), dicom(TEXT)),
  'CDA, plain text': () =>
    bytes(
      '<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><text>',
      MARKER,
      '</text></ClinicalDocument>',
    ),
  'HL7 v2, plain text': () =>
    bytes('MSH|^~\\&|A|B|C|D|20240101||ORU^R01|1|P|2.5\rOBX|1|TX|1||', MARKER, '\r'),
  'FHIR, plain text': () => bytes('{"resourceType":"Basic","text":{"div":"', MARKER, '"}}'),
  'FHIR NDJSON in a zip': () => zip([{ name: 'a.ndjson', data: bytes('{"resourceType":"Basic"}\n', TEXT) }]),
};

export const documents: readonly Case[] = [
  ...casesOf('mail', 'infected', ['Python email', 'Python mailbox', 'munpack', 'uudecode', 'unzip'], MAILS),
  ...casesOf('mail', 'infected', ['Python email'], HEADERS),
  ...casesOf('mail', 'unscannable', ['Python email'], PARTS),
  ...casesOf('mail', 'infected', ['uudecode'], { uuencode: () => fixture('uuencode') }),
  ...casesOf('encoding', 'unscannable', ['uudecode'], {
    'uuencode, base64': () => fixture('uuencode base64'),
  }),
  ...casesOf('document', infectedBut(['PDF behind a GIF']), ['qpdf', 'pdfdetach', 'unzip'], PDFS),
  ...casesOf('document', infectedBut(CODED), ['unzip', 'office program'], OFFICE),
  ...casesOf('script and HTML', infectedBut(['HTML, UTF-16']), ['browser', 'Python email'], SCRIPTS),
  ...casesOf('document', 'unscannable', ['PDF reader'], { 'XDP with a PDF': xdp }),
  ...casesOf('script and HTML', 'infected', ['Chromium'], {
    'HTML, data: URL': () =>
      bytes('<html><a download="p" href="data:application/octet-stream;base64,', base64, '">open</a></html>'),
  }),
  ...casesOf('medical', 'infected', ['viewer', 'dcmdump', 'unzip', 'qpdf'], MEDICAL),
];
