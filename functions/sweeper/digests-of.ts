import { parseSha256, type Sha256 } from '../../shared/files/record.ts';
import type { StoredObject } from '../../shared/storage/object.ts';

/** Digests that the objects of a file say its bytes have, whether they parse or not. */
export function digestsOf({
  file,
  verdict,
}: {
  readonly file?: StoredObject | undefined;
  readonly verdict?: StoredObject | undefined;
}): ReadonlySet<Sha256> {
  const said = [file, verdict].map((object) => parseSha256(object?.metadata['sha256'] ?? ''));
  return new Set(said.filter((digest) => digest !== undefined));
}
