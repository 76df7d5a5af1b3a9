import type { Bucket } from '../../shared/storage/bucket.ts';

/**
 * Goes on where the last sweep was stopped. The place is kept in the metadata of an object, for which there is
 * no need as long as every sweep comes to its end.
 *
 * Of two sweepers at work at the same time only one can move it. The other's work was done as well, and its
 * word about where it stopped is not needed: at worst a part is looked at again.
 * @param work is told the name to begin with ('' for the first), and resolves to the name to go on from, or
 *   undefined at the end
 * @returns whether the end was reached
 * @throws {StorageError} and what `work` throws
 */
export async function resume(
  bucket: Bucket,
  name: string,
  work: (from: string) => Promise<string | undefined>,
): Promise<boolean> {
  const object = await bucket.stat(name);
  const from = object?.metadata['from'] ?? '';
  const next = await work(from);
  const to = next ?? '';
  if (object && to !== from) await bucket.patch(name, object, { from: to || null });
  if (!object && to)
    await bucket.insertEmpty(name, { contentType: 'application/x-empty', metadata: { from: to } });
  return next === undefined;
}
