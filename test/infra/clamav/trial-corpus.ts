import { deflateSync, gzipSync } from 'node:zlib';
import { mail, pdf, tar, zip } from '../../corpus/build.ts';
import { MARKER } from '../../corpus/case.ts';
import { EVERYDAY } from '../../corpus/everyday.ts';

const zipped = zip([{ name: 'eicar.com', data: MARKER }]);
const lines = (data: Buffer) => data.toString('base64').replace(/.{76}/g, '$&\r\n');

/** The EICAR test file as it is, since signatures of it may ask for exactly its bytes, within what contains files. */
const MALWARE: Readonly<Record<string, Buffer>> = {
  'eicar.com': MARKER,
  'eicar.zip': zipped,
  'zip-in-zip.zip': zip([{ name: 'eicar.zip', data: zipped }]),
  'eicar.tar.gz': gzipSync(tar([{ name: 'eicar.com', data: MARKER }])),
  'macro.docm': zip([
    { name: '[Content_Types].xml', data: Buffer.from('<Types/>') },
    { name: 'word/document.xml', data: Buffer.from('<document/>') },
    { name: 'word/embeddings/eicar.com', data: MARKER },
  ]),
  'attachment.pdf': pdf([{ entries: '/Type /EmbeddedFile /Filter /FlateDecode', data: deflateSync(MARKER) }]),
  'attachment.eml': mail(lines(zipped), {
    'Content-Type': 'application/zip',
    'Content-Transfer-Encoding': 'base64',
    'Content-Disposition': 'attachment; filename="eicar.zip"',
  }),
};

/** The kinds that are exchanged most, of those in the corpus. */
const CLEAN = {
  'image.dcm': 'DICOM',
  'summary.cda.xml': 'CDA, PDF',
  'message.hl7': 'HL7 v2, PDF',
  'archive.pdf': 'PDF/A',
  'letter.pdf': 'PDF',
  'photo.pdf': 'PDF with a JPEG',
  'bundle.fhir.json': 'FHIR Bundle',
  'document.fhir.json': 'FHIR DocumentReference, PDF',
  'binary.fhir.xml': 'FHIR Binary, XML',
  'letter.docx': 'docx',
  'table.xlsx': 'xlsx',
  'slides.pptx': 'pptx',
  'letter.odt': 'odt',
  'letter.doc': 'doc',
  'letter.rtf': 'RTF',
  'letter.eml': 'PDF, attached',
  'letters.zip': 'zip of a PDF',
  'picture.png': 'PNG',
  'note.txt': 'text, Norwegian',
  'table.csv': 'CSV',
} as const;

/** The files of `infra/clamav/trial`, by folder and name. */
export function trialCorpus(): Readonly<Record<'clean' | 'malware', Readonly<Record<string, Buffer>>>> {
  const clean = Object.entries(CLEAN).map(([name, everyday]) => {
    const make = EVERYDAY[everyday];
    if (!make) throw new Error(`no everyday document ${everyday}`);
    return [name, make()];
  });
  return { clean: Object.fromEntries(clean), malware: MALWARE };
}

/** The form that `unpack_trial` of trial.sh reads, in which no antivirus finds malware. */
export function packed(files: Readonly<Record<string, Buffer>>): string {
  const archive = gzipSync(tar(Object.entries(files).map(([name, data]) => ({ name, data }))), { level: 9 });
  const text = archive.toString('base64').replace(/.{1,120}/g, '$&\n');
  return text.replace(/[A-Za-z]/g, (letter) => {
    const base = letter <= 'Z' ? 65 : 97;
    return String.fromCharCode(((letter.charCodeAt(0) - base + 13) % 26) + base);
  });
}
