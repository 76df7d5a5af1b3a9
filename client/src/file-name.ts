import { parse } from 'content-disposition';

/** Characters: several times the 512 bytes of UTF-8 that the service keeps of a name, encoded. */
const MAX_LENGTH = 4096;

/**
 * The file name of a Content-Disposition (RFC 6266, RFC 8187), the one in any script first.
 * @returns undefined where it names none, or nothing that could name a file
 */
export function fileNameIn(disposition: string | null): string | undefined {
  if (disposition === null || disposition.length > MAX_LENGTH) return undefined;
  return plainName(parse(disposition).parameters['filename']);
}

/** A name without folders, control characters and bidirectional overrides: it comes from the uploader. */
export function plainName(given: string | undefined): string | undefined {
  const name = (given?.split(/[/\\]/).at(-1) ?? '')
    .replace(/[\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '')
    .trim();
  return name === '' || name === '.' || name === '..' ? undefined : name;
}
