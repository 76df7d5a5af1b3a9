import { lengthName, lengthOf } from '../../shared/files/parts.ts';
import { tooLarge } from '../../shared/http/body.ts';
import { invalidRequest, Problem } from '../../shared/http/problems.ts';
import type { Progress } from './append.ts';
import type { Tus } from './uploads.ts';

/**
 * The length that a request says and that is news. A length that was deferred may be declared once. @throws {Problem}
 */
export function declared(
  { terms }: Tus,
  { record, chain }: Progress,
  length: number | undefined,
): number | undefined {
  if (length === undefined) return undefined;
  if (length > terms.maxBytes) throw tooLarge(terms.maxBytes);
  const known = lengthOf(record.upload, chain);
  // The IETF draft announces a length that ends nothing yet.
  const told = known ?? record.upload.announced;
  if (length < chain.end || length !== (told ?? length)) throw unfitLength();
  return known === undefined ? length : undefined;
}

/** Writes a length down, before the bytes of the request that says it. @throws {Problem} where another was declared */
export async function declare(tus: Tus, progress: Progress, length: number | undefined): Promise<Progress> {
  if (length === undefined) return progress;
  const name = lengthName(progress.record.id);
  const options = { contentType: 'application/x-empty', metadata: { length: String(length) } };
  const object = (await tus.unscanned.insertEmpty(name, options)) ?? (await tus.unscanned.stat(name));
  if (!object) throw new Problem('upload-offset');
  if (object.metadata['length'] !== String(length)) throw unfitLength();
  return { ...progress, chain: { ...progress.chain, declared: { length, object } } };
}

export function unfitLength(): Problem {
  return invalidRequest('Upload-Length does not fit what is known of the upload.');
}
