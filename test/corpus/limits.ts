import { deflateSync } from 'node:zlib';
import { bytes, fixture, zip } from './build.ts';
import { MARKER, TEXT } from './case.ts';

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
  { name: 'base64 alone', why: 'is text', bytes: () => Buffer.from(base64) },
  { name: 'hexadecimal digits', why: 'are text', bytes: () => Buffer.from(TEXT.toString('hex')) },
  {
    name: 'each byte changed',
    why: 'an encoding that only its author knows',
    bytes: () => Buffer.from(MARKER.map((byte) => byte ^ 0x5a)),
  },
];
