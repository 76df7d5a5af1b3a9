import type { Bucket } from '../../shared/storage/bucket.ts';

/** Where a duty stopped, as the metadata of an object says it; empty texts are not written. */
type Place = Readonly<Record<string, string>>;

/**
 * Goes on where the last call was stopped. The place is kept in the metadata of an object, for which there is
 * no need as long as every call comes to its end.
 *
 * Of two at work at the same time only one can move it. The other's work was done as well, and its
 * word about where it stopped is not needed: at worst a part is looked at again.
 * @param work is told the place, empty for the beginning, and resolves to the place to go on from, or to undefined at
 *   the end
 * @returns whether the end was reached
 * @throws {StorageError} and what `work` throws
 */
export async function resume(
  bucket: Bucket,
  name: string,
  work: (place: Partial<Place>) => Promise<Place | undefined>,
): Promise<boolean> {
  const object = await bucket.stat(name);
  const before = object?.metadata ?? {};
  const next = await work(before);
  const said = Object.entries(next ?? {}).filter(([, value]) => value !== '');
  const metadata = Object.fromEntries(said);
  const removed = Object.keys(before).filter((key) => !(key in metadata));
  const isMoved = removed.length > 0 || said.some(([key, value]) => before[key] !== value);
  if (!isMoved) return next === undefined;
  const changes = { ...metadata, ...Object.fromEntries(removed.map((key) => [key, null])) };
  if (object) await bucket.patch(name, object, changes);
  else await bucket.insertEmpty(name, { contentType: 'application/x-empty', metadata });
  return next === undefined;
}
