import { deflateSync, gzipSync } from 'node:zlib';
import { bytes, hex, mail, pdf, tar, zip } from './build.ts';
import { HARMLESS } from './case.ts';
import { lzw } from './old-archives.ts';
import { ole2, packaged } from './ole2.ts';

const text = HARMLESS.toString('latin1');
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const letter = () => pdf([{ entries: '/Filter /FlateDecode', data: deflateSync(HARMLESS) }]);
const base64 = (data: Uint8Array) => Buffer.from(data).toString('base64');
const lines = (data: Uint8Array) => base64(data).replace(/.{76}/g, '$&\r\n');
const attachment = (type: string) => ({
  'Content-Type': type,
  'Content-Transfer-Encoding': 'base64',
  'Content-Disposition': 'attachment; filename="a"',
});
const xml = (body: string) => Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${body}\n`);
const office = (main: string, streamed = false) =>
  zip([
    { name: '[Content_Types].xml', data: xml('<Types/>'), streamed },
    { name: '_rels/.rels', data: xml('<Relationships/>'), streamed },
    { name: main, data: xml(`<document>${text}</document>`), streamed },
    { name: 'docProps/thumbnail.png', data: PNG, method: 0 },
  ]);
const open = (type: string) =>
  zip([
    { name: 'mimetype', data: Buffer.from(type), method: 0 },
    { name: 'content.xml', data: xml(`<office:document>${text}</office:document>`), streamed: true },
    { name: 'Thumbnails/thumbnail.png', data: PNG, method: 0 },
    { name: 'META-INF/manifest.xml', data: xml('<manifest:manifest/>'), streamed: true },
  ]);
const fhir = (resource: object) => Buffer.from(JSON.stringify(resource, null, 2));
const image = () => ({ contentType: 'image/png', data: base64(PNG) });
const document = () => ({ contentType: 'application/pdf', data: base64(letter()) });
const dicom = (data: Uint8Array) =>
  bytes(
    Buffer.alloc(128),
    'DICM',
    hex('02000000 554c 0400 00000000 e07f1000 4f570000'),
    hex('00100000'),
    data,
  );

/** Documents that people send each other, as programs write it. None of it may be refused. */
export const EVERYDAY: Readonly<Record<string, () => Buffer>> = {
  docx: () => office('word/document.xml'),
  xlsx: () => office('xl/workbook.xml'),
  pptx: () => office('ppt/presentation.xml'),
  'docx, streamed': () => office('word/document.xml', true),
  doc: () =>
    ole2([
      { path: 'WordDocument', data: bytes(hex('eca5c10000000904000000120000bf00'), Buffer.alloc(5000)) },
      { path: '1Table', data: Buffer.alloc(5000, 1) },
      { path: 'ObjectPool/_1/\x01Ole10Native', data: packaged('a.pdf', letter()) },
    ]),
  xls: () =>
    ole2([
      { path: 'Workbook', data: bytes(hex('0908100000060500bb0dcc07 00000000 06000000 e1000200b004'), text) },
    ]),
  ppt: () =>
    ole2([
      { path: 'Current User', data: bytes(hex('0000f60f 20000000 14000000 5fc091e3'), Buffer.alloc(24)) },
      { path: 'PowerPoint Document', data: bytes(hex('0f00e803 10270000'), Buffer.alloc(10_000)) },
    ]),
  msg: () =>
    ole2([
      { path: '__properties_version1.0', data: Buffer.alloc(32) },
      { path: '__substg1.0_1000001F', data: Buffer.from(text, 'utf16le') },
      { path: '__attach_version1.0_#00000000/__substg1.0_37010102', data: letter() },
    ]),
  odt: () => open('application/vnd.oasis.opendocument.text'),
  ods: () => open('application/vnd.oasis.opendocument.spreadsheet'),
  epub: () => open('application/epub+zip'),
  'docx in a zip': () => zip([{ name: 'a.docx', data: office('word/document.xml') }]),
  'docx in a mail': () => mail(lines(office('word/document.xml')), attachment('application/octet-stream')),
  PDF: letter,
  'PDF/A': () =>
    pdf([
      { entries: '/Filter /FlateDecode', data: deflateSync(HARMLESS) },
      {
        entries: '/Type /Metadata /Subtype /XML',
        data: Buffer.from(
          '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" pdfaid:part="2" pdfaid:conformance="B"/></rdf:RDF></x:xmpmeta><?xpacket end="r"?>',
        ),
      },
    ]),
  'PDF, plain': () => pdf([{ entries: '', data: HARMLESS }]),
  'PDF, LZW': () => pdf([{ entries: '/Filter /LZWDecode', data: lzw(HARMLESS, 'high') }]),
  'PDF with a JPEG': () =>
    pdf([
      { entries: '', data: HARMLESS },
      {
        entries: '/Type /XObject /Subtype /Image /Filter /DCTDecode',
        data: hex('ffd8ffe000104a46494600010100000100010000ffd9'),
      },
    ]),
  'PDF, attached': () => mail(lines(letter()), attachment('application/pdf')),
  'PDF, updated': () => bytes(letter(), '\n5 0 obj\n<< /Updated true >>\nendobj\n%%EOF\n'),
  RTF: () => Buffer.from(`{\\rtf1\\ansi\\deff0{\\fonttbl{\\f0 Arial;}}\\f0 ${text}}`),
  'RTF with a picture': () => Buffer.from(`{\\rtf1{\\pict\\pngblip ${PNG.toString('hex')}}}`),
  text: () => HARMLESS,
  'text, UTF-16': () => Buffer.from(`\ufeff${text}`, 'utf16le'),
  'text, Norwegian': () =>
    Buffer.from('Epikrise: pasienten går på søndag til kontroll, blåbær æøå ÆØÅ\n'.repeat(20)),
  Markdown: () => Buffer.from(`# Report\n\n${text}\n\n- one\n- two\n`),
  CSV: () => Buffer.from('name;value\nHb;14,2\nCRP;<5\n'.repeat(200)),
  JSON: () => fhir({ list: [1, 2, 3], text }),
  HTML: () =>
    Buffer.from(`<!DOCTYPE html><html><head><title>a</title></head><body><p>${text}</p></body></html>`),
  'HTML with a picture': () =>
    Buffer.from(`<html><body><img src="data:image/png;base64,${base64(PNG)}"></body></html>`),
  'HTML with a script': () =>
    Buffer.from('<html><script>document.title = "a";</script><body>a</body></html>'),
  SVG: () =>
    Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="4"/></svg>'),
  PNG: () => PNG,
  'ICO of two sizes': () =>
    bytes(
      hex('000001000200 10101000000000002801000026000000 2020100000000000e80200004e010000'),
      Buffer.alloc(1072, 7),
    ),
  GIF: () => bytes('GIF89a', hex('01000100800000ffffff0000002c00000000010001000002024401003b')),
  BMP: () =>
    bytes(
      'BM',
      hex('3a0000000000000036000000280000000100000001000000010018000000000004000000'),
      Buffer.alloc(20),
    ),
  WAV: () =>
    bytes(
      'RIFF',
      hex('24080000'),
      'WAVEfmt ',
      hex('1000000001000100 44ac0000 88580100 02001000'),
      'data',
      hex('00080000'),
      Buffer.alloc(2048, 3),
    ),
  MP3: () =>
    bytes(
      'ID3',
      hex('04000000000000'),
      ...Array.from({ length: 40 }, () => bytes(hex('fffb9064'), Buffer.alloc(413, 0x55))),
    ),
  vCard: () => Buffer.from('BEGIN:VCARD\r\nVERSION:3.0\r\nFN:A B\r\nEND:VCARD\r\n'),
  iCalendar: () =>
    Buffer.from(
      'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nSUMMARY:a\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n',
    ),
  mail: () => mail(text, { 'Content-Type': 'text/plain' }),
  'mail with a picture': () => mail(lines(PNG), attachment('image/png')),
  'mail in a mail': () =>
    mail(mail(text, { 'Content-Type': 'text/plain' }).toString('latin1'), {
      'Content-Type': 'message/rfc822',
    }),
  'mail with a zip': () =>
    mail(lines(zip([{ name: 'a.txt', data: HARMLESS }])), attachment('application/zip')),
  zip: () => zip([{ name: 'a.txt', data: HARMLESS }]),
  'zip, streamed': () =>
    zip([
      { name: 'a.txt', data: HARMLESS, streamed: true },
      { name: 'b.png', data: PNG, streamed: true },
    ]),
  'zip with a comment': () => zip([{ name: 'a.txt', data: HARMLESS }], { comment: 'made by hand' }),
  'zip of nothing': () => zip([]),
  'zip in a zip': () => zip([{ name: 'a.zip', data: zip([{ name: 'a.txt', data: HARMLESS }]), method: 0 }]),
  'zip of a PDF': () => zip([{ name: 'a.pdf', data: letter() }]),
  jar: () =>
    zip([
      { name: 'META-INF/MANIFEST.MF', data: Buffer.from('Manifest-Version: 1.0\r\n\r\n'), streamed: true },
    ]),
  tar: () =>
    tar([
      { name: 'a.txt', data: HARMLESS },
      { name: 'b.png', data: PNG },
    ]),
  'tar.gz': () => gzipSync(tar([{ name: 'a.txt', data: HARMLESS }])),
  gzip: () => gzipSync(HARMLESS),
  'FHIR Bundle': () =>
    fhir({ resourceType: 'Bundle', entry: [{ resource: { resourceType: 'Binary', ...image() } }] }),
  'FHIR Binary, PDF': () => fhir({ resourceType: 'Binary', ...document() }),
  'FHIR DocumentReference, PDF': () =>
    fhir({ resourceType: 'DocumentReference', content: [{ attachment: document() }] }),
  'FHIR Binary, XML': () =>
    xml(
      `<Binary xmlns="http://hl7.org/fhir"><contentType value="application/pdf"/><data value="${base64(letter())}"/></Binary>`,
    ),
  'FHIR, NDJSON in a zip': () =>
    zip([{ name: 'a.ndjson', data: Buffer.from('{"resourceType":"Basic"}\n'.repeat(99)) }]),
  'CDA, PDF': () =>
    xml(
      `<ClinicalDocument xmlns="urn:hl7-org:v3"><component><nonXMLBody><text mediaType="application/pdf" representation="B64">${base64(letter())}</text></nonXMLBody></component></ClinicalDocument>`,
    ),
  'HL7 v2, PDF': () =>
    Buffer.from(
      `MSH|^~\\&|A|B|C|D|20240101||MDM^T02|1|P|2.5\rOBX|1|ED|1||^application^pdf^Base64^${base64(letter())}\r`,
    ),
  DICOM: () => dicom(Buffer.alloc(4096, 9)),
  'Word 2003 XML': () =>
    xml(
      `<w:wordDocument xmlns:w="http://schemas.microsoft.com/office/word/2003/wordml"><w:p>${text}</w:p></w:wordDocument>`,
    ),
  'shell script': () => Buffer.from('#!/bin/sh\necho a\n'),
  'batch file': () => Buffer.from('@echo off\r\necho a\r\n'),
  zeros: () => Buffer.alloc(100_000),
  nothing: () => Buffer.alloc(0),
};
