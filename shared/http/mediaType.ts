import { format, parse } from 'content-type';

const MAX_LENGTH = 255;

/**
 * A Content-Type as it may be stored and sent again (RFC 9110 section 8.3), `application/octet-stream` where
 * none was sent.
 * @returns undefined where it is not one
 */
export function mediaTypeOf(header: string | undefined): string | undefined {
  if (header === undefined || header.trim() === '') return 'application/octet-stream';
  if (header.length > MAX_LENGTH) return undefined;
  try {
    const { type, parameters } = parse(header);
    return format({ type, parameters });
  } catch {
    return undefined;
  }
}
