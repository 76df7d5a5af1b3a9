import { deflateSync } from 'node:zlib';
import { bytes, fixture, mail, zip } from './build.ts';
import { HARMLESS, MARKER, TEXT } from './case.ts';
import { compressedRtf } from './encodings.ts';
import { ole2 } from './ole2.ts';

interface Limit {
  readonly name: string;
  /** Why no rule makes it unscannable. */
  readonly why: string;
  bytes(): Buffer;
}

const base64 = TEXT.toString('base64');
const DECODED =
  'only a program that knows the field decodes it, and to refuse all such documents would refuse ordinary ones';

/** Files that `clean` does not cover: ClamAV does not look there, and no mark tells these files from ordinary ones. */
export const LIMITS: readonly Limit[] = [
  { name: 'brotli', why: 'has no magic number', bytes: () => fixture('brotli') },
  {
    name: 'brotli, in a zip',
    why: 'has no magic number',
    bytes: () => zip([{ name: 'a.br', data: fixture('brotli') }]),
  },
  {
    name: 'zlib (.zz)',
    why: 'begins with 2 bytes that text and data begin with, too',
    bytes: () => deflateSync(TEXT),
  },
  {
    name: 'FHIR Binary, JSON',
    why: DECODED,
    bytes: () => bytes('{"resourceType":"Binary","contentType":"application/pdf","data":"', base64, '"}'),
  },
  {
    name: 'FHIR DocumentReference, JSON',
    why: DECODED,
    bytes: () =>
      bytes('{"resourceType":"DocumentReference","content":[{"attachment":{"data":"', base64, '"}}]}'),
  },
  {
    name: 'FHIR Binary, XML',
    why: DECODED,
    bytes: () => bytes('<Binary xmlns="http://hl7.org/fhir"><data value="', base64, '"/></Binary>'),
  },
  {
    name: 'CDA, nonXMLBody',
    why: DECODED,
    bytes: () =>
      bytes(
        '<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><nonXMLBody><text representation="B64">',
        base64,
        '</text></nonXMLBody></ClinicalDocument>',
      ),
  },
  {
    name: 'HL7 v2, OBX of type ED',
    why: DECODED,
    bytes: () =>
      bytes('MSH|^~\\&|A|B|C|D|20240101||MDM^T02|1|P|2.5\rOBX|1|ED|1||^text^plain^Base64^', base64, '\r'),
  },
  {
    name: 'script in UTF-16',
    why: 'begins as any text of Windows does, and is matched as it stands',
    bytes: () => Buffer.from(`\ufeffvar x = "${MARKER.toString('latin1')}";\r\n`, 'utf16le'),
  },
  {
    name: 'text of a mail of Outlook (.msg), as compressed RTF',
    why: 'almost every such mail has it',
    bytes: () => ole2([{ path: '__substg1.0_10090102', data: compressedRtf(bytes('{\\rtf1 ', TEXT, '}')) }]),
  },
  {
    name: 'compound file (OLE2) whose directory has a loop',
    why: 'ClamAV reads no further, programs that look a stream up by its name may; 7-Zip refuses it',
    bytes: looped,
  },
  {
    name: 'second part of a mail that says it is signed (multipart/signed)',
    why: 'ClamAV reads the text of such mails alone; the part is a signature in all ordinary ones',
    bytes: () =>
      bytes(
        mail(base64, { 'Content-Type': 'application/octet-stream', 'Content-Transfer-Encoding': 'base64' })
          .toString('latin1')
          .replace('multipart/mixed', 'multipart/signed'),
      ),
  },
  {
    name: 'OpenPGP, compressed by ZIP',
    why: 'begins with 2 bytes that data (CBOR) begins with, too',
    bytes: () => fixture('gpg zip'),
  },
  { name: 'base64 alone', why: 'is text', bytes: () => Buffer.from(base64) },
  { name: 'hexadecimal digits', why: 'are text', bytes: () => Buffer.from(TEXT.toString('hex')) },
  {
    name: 'each byte changed',
    why: 'an encoding that only its author knows',
    bytes: () => Buffer.from(MARKER.map((byte) => byte ^ 0x5a)),
  },
];

/** The entry of `BB` is the first, its left neighbour the stream with the marker, and its right neighbour itself. */
function looped(): Buffer {
  const streams = [
    { path: 'A', data: TEXT },
    { path: 'BB', data: HARMLESS },
  ];
  const file = ole2(streams, { scattered: true });
  const entryOf = (name: string) => file.indexOf(Buffer.from(`${name}\0`, 'utf16le'));
  const [root, marked, other] = [entryOf('Root Entry'), entryOf('A'), entryOf('BB')];
  const idOf = (entry: number) => (entry - root) / 128;
  file.writeUInt32LE(idOf(other), root + 76);
  file.writeUInt32LE(idOf(marked), other + 68);
  file.writeUInt32LE(idOf(other), other + 72);
  file.writeUInt32LE(0xffffffff, marked + 72);
  return file;
}
