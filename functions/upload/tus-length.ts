import { lengthName, lengthOf } from '../../shared/files/parts.ts';
import { tooLarge } from '../../shared/http/body.ts';
import { invalidRequest, Problem } from '../../shared/http/problems.ts';
import type { Progress } from './append.ts';
import type { Tus } from './uploads.ts';

/** @throws {Problem} where an upload cannot have this length */
export function requireFit({ terms }: Tus, { record, chain }: Progress, length: number | undefined): void {
  if (length === undefined) return;
  if (length > terms.maxBytes) throw tooLarge(terms.maxBytes);
  // The IETF draft announces a length that ends nothing yet.
  const told = lengthOf(record.upload, chain) ?? record.upload.announced;
  if (length < chain.end || length !== (told ?? length)) throw unfitLength();
}

/**
 * Writes down the length of an upload that had none, before the bytes of the request that says it.
 * @throws {Problem} where another was declared meanwhile
 */
export async function declare(tus: Tus, progress: Progress, length: number | undefined): Promise<Progress> {
  const { record, chain } = progress;
  if (length === undefined || lengthOf(record.upload, chain) !== undefined) return progress;
  const name = lengthName(record.id);
  const options = { contentType: 'application/x-empty', metadata: { length: String(length) } };
  const object = (await tus.unscanned.insertEmpty(name, options)) ?? (await tus.unscanned.stat(name));
  if (!object) throw new Problem('upload-offset');
  if (object.metadata['length'] !== String(length)) throw unfitLength();
  return { ...progress, chain: { ...chain, declared: { length, object } } };
}

export function unfitLength(): Problem {
  return invalidRequest('Upload-Length does not match the known length of the upload.');
}
