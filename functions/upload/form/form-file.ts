import { tooLarge } from '../../../shared/http/body.ts';
import { fileNameOf } from '../../../shared/http/disposition.ts';
import { invalidRequest, Problem } from '../../../shared/http/problems.ts';
import type { BorrowedBytes } from '../../../shared/runtime/memory.ts';
import { mediaTypeOf } from '../media/media-type.ts';
import { Delimited } from './delimited.ts';

/** Bytes that the boundaries and the head of the file may take, beside the file. */
export const ENVELOPE_BYTES = 64 * 1024;
/** Bytes of the head of a part. */
const MAX_HEAD_BYTES = 16 * 1024;

const CRLF = '\r\n';
/** Encodings that leave the bytes as they are; RFC 7578 section 4.7 deprecates the others. */
const AS_THEY_ARE = new Set(['7bit', '8bit', 'binary']);

/** The file of a form, as its part describes it. */
interface FormFile {
  readonly contentType: string;
  readonly fileName: string;
  /** Ends only after the last boundary: a form that is cut or has a second part throws, however late. */
  readonly bytes: AsyncIterable<BorrowedBytes>;
}

/**
 * Reads the form (RFC 7578) that a body is up to the bytes of its one file.
 * @param maxBytes of the file
 * @throws {Problem} `form-invalid`, here or from `bytes`; `too-large`
 */
export async function fileOfForm(
  body: AsyncIterable<BorrowedBytes>,
  boundary: string,
  maxBytes: number,
): Promise<FormFile> {
  // Before the first boundary there need not be a line end.
  const form = new Delimited(body, CRLF);
  const delimiter = Buffer.from(`${CRLF}--${boundary}`);
  const isForm = await skip(form.until(delimiter), ENVELOPE_BYTES);
  if (!isForm) throw invalid('The boundary of its Content-Type does not occur in it.');
  if (await isLast(form)) throw invalid('It has no file.');
  const head = await headOf(form);
  return { ...described(head), bytes: contentOf(form, delimiter, maxBytes) };
}

async function* contentOf(
  form: Delimited,
  delimiter: Buffer,
  maxBytes: number,
): AsyncGenerator<BorrowedBytes> {
  const content = form.until(delimiter);
  let size = 0;
  for (;;) {
    const { done, value } = await content.next();
    if (done) {
      if (!value) throw invalid('It ends before its last boundary.');
      break;
    }
    size += value.length;
    if (size > maxBytes) throw tooLarge(maxBytes);
    yield value;
  }
  if (!(await isLast(form))) throw invalid('It has another part after the file.');
  await form.drain();
}

/** Reads what stands behind a boundary up to the next line. */
async function isLast(form: Delimited): Promise<boolean> {
  const end = await form.take(2);
  if (end.equals(Buffer.from('--'))) return true;
  if (!end.equals(Buffer.from(CRLF))) throw invalid('A boundary does not end its line.');
  return false;
}

/** The head of a part, as latin-1, by lower-case names. */
async function headOf(form: Delimited): Promise<ReadonlyMap<string, string>> {
  const head = form.until(Buffer.from(CRLF + CRLF));
  let text = '';
  for (;;) {
    const { done, value } = await head.next();
    if (done && !value) throw invalid('It ends within the head of a part.');
    if (done) break;
    text += Buffer.from(value).toString('latin1');
    if (text.length > MAX_HEAD_BYTES) throw invalid('The head of a part is too long.');
  }
  const fields = new Map<string, string>();
  for (const line of text.split(CRLF)) {
    const [, name, value = ''] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\0\r\n]*)$/.exec(line) ?? [];
    if (name === undefined || fields.has(name.toLowerCase()))
      throw invalid('The head of a part cannot be read.');
    fields.set(name.toLowerCase(), value.trim());
  }
  return fields;
}

function described(head: ReadonlyMap<string, string>): Pick<FormFile, 'contentType' | 'fileName'> {
  const disposition = head.get('content-disposition') ?? '';
  const fileName = /^form-data\s*;/i.test(disposition) ? fileNameOf(disposition) : undefined;
  if (fileName === 'invalid') throw invalidRequest('The file name is too long.');
  if (fileName === undefined) throw invalid('Its first part has no file name, so it is not a file.');
  const encoding = head.get('content-transfer-encoding') ?? 'binary';
  if (!AS_THEY_ARE.has(encoding.toLowerCase())) throw invalid('The file has a Content-Transfer-Encoding.');
  const contentType = mediaTypeOf(head.get('content-type'));
  if (contentType) return { contentType, fileName };
  throw invalidRequest('The Content-Type of the file is not a media type.');
}

async function skip(bytes: AsyncGenerator<BorrowedBytes, boolean>, most: number): Promise<boolean> {
  for (let size = 0; ; ) {
    const { done, value } = await bytes.next();
    if (done) return value;
    size += value.length;
    if (size > most) return false;
  }
}

function invalid(why: string): Problem {
  return new Problem('form-invalid', { detail: `${why} Send a form with one part, the file.` });
}
