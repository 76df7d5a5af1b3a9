import { safeFileName } from '../../shared/http/disposition.ts';
import { mediaTypeOf } from '../../shared/http/mediaType.ts';
import { Problem } from '../../shared/http/problems.ts';
import type { Principal } from '../../shared/identity/principal.ts';

/** What a client says of a file before it sends it, as it says it. */
interface Announced {
  readonly owner: Principal;
  readonly contentType: string | undefined;
  readonly fileName: string | undefined;
  /** Bytes, where known. */
  readonly size: number | undefined;
}

export interface Admitted {
  readonly owner: Principal;
  readonly contentType: string;
  readonly fileName?: string;
}

/**
 * The rules for what may be uploaded in steps, asked before anything is created.
 * @throws {Problem}
 */
export function admit({ owner, ...announced }: Announced): Admitted {
  const contentType = mediaTypeOf(announced.contentType);
  if (!contentType) throw new Problem('invalid-request', { detail: 'The content type is not a media type.' });
  const fileName = announced.fileName === undefined ? undefined : safeFileName(announced.fileName);
  if (fileName === 'invalid') throw new Problem('invalid-request', { detail: 'The file name is too long.' });
  return { owner, contentType, ...(fileName !== undefined && { fileName }) };
}

/**
 * What is certain before a byte is scanned: said with the handle, so that nobody sends gigabytes in vain.
 * @param maxScanBytes undefined where this deployment does not say
 */
export function foretold(
  size: number | undefined,
  maxScanBytes: number | undefined,
): { expected?: { state: 'unscannable'; reason: 'tooLarge' } } {
  if (size === undefined || maxScanBytes === undefined || size <= maxScanBytes) return {};
  return { expected: { state: 'unscannable', reason: 'tooLarge' } };
}
