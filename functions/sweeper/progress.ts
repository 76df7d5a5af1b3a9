import type { Bucket } from '../../shared/storage/bucket.ts';
import type { StoredObject } from '../../shared/storage/object.ts';

const NAME = 'sweeper/collect';

/** How far a collection has come. */
export interface Progress {
  readonly cycle: string;
  /** The name of the record to go on from. */
  readonly from: string;
  /** Every record was asked. */
  readonly asked: boolean;
}

/** Where the last collection was stopped; without progress where it came to its end. */
export async function readProgress(
  bucket: Bucket,
): Promise<{ object: StoredObject | undefined; progress: Progress | undefined }> {
  const object = await bucket.stat(NAME);
  const { cycle, from = '', asked } = object?.metadata ?? {};
  return { object, progress: cycle === undefined ? undefined : { cycle, from, asked: asked === 'true' } };
}

/**
 * Writes how far it has come, undefined at the end. Of two collections at work at the same time only one can, and
 * what the other has done was done as well: at worst a part is done again.
 */
export async function writeProgress(
  bucket: Bucket,
  object: StoredObject | undefined,
  progress: Progress | undefined,
): Promise<void> {
  if (!progress && object?.metadata['cycle'] === undefined) return;
  const fields = {
    cycle: progress?.cycle ?? null,
    from: progress?.from || null,
    asked: progress?.asked ? 'true' : null,
  };
  if (object) await bucket.patch(NAME, object, fields);
  else await bucket.insertEmpty(NAME, { contentType: 'application/x-empty', metadata: present(fields) });
}

function present(fields: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).filter((field): field is [string, string] => field[1] !== null),
  );
}
