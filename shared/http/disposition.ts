import { create, parse } from 'content-disposition';
import { MAX_FIELD_LENGTH } from './list.ts';

/** UTF-8 bytes: a name shares the 8 KiB of a record's metadata with owner and viewers. */
const MAX_NAME_BYTES = 512;

/**
 * The file name of a Content-Disposition (RFC 6266, RFC 8187): any script, never a path.
 * @returns undefined where the header names none; 'invalid' where it cannot be read or the name is too long
 */
export function fileNameOf(header: string | undefined): string | undefined | 'invalid' {
  if (header === undefined) return undefined;
  if (header.length > MAX_FIELD_LENGTH) return 'invalid';
  const { filename } = parse(asUtf8(header)).parameters;
  return filename === undefined ? undefined : safeFileName(filename);
}

/** A name as a client gave it, without what no name may hold; the same answers as {@link fileNameOf}. */
export function safeFileName(given: string): string | undefined | 'invalid' {
  // Characters that separate folders on any system, and those that no name should hold: controls, separators of lines
  // and bidirectional overrides.
  const last = given.split(/[/\\]/).at(-1) ?? '';
  // Normalizing takes time that grows with the square of the length where many marks stand on one letter.
  if (last.length > MAX_FIELD_LENGTH) return 'invalid';
  const name = last
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '')
    .trim();
  if (name === '' || name === '.' || name === '..') return undefined;
  return Buffer.byteLength(name) <= MAX_NAME_BYTES ? name : 'invalid';
}

/**
 * Node reads headers as ISO 8859-1, but curl and browsers write names in UTF-8 as they are. Valid UTF-8 beyond ASCII
 * is hardly ever meant as anything else.
 */
function asUtf8(header: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(header, 'latin1'));
  } catch {
    return header;
  }
}

/** Always an attachment: nothing that a client uploaded is shown in the origin of this service. */
export function dispositionOf(fileName: string | undefined): string {
  return create(fileName);
}
