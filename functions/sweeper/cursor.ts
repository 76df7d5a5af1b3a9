import { isDeepStrictEqual } from 'node:util';
import type { Bucket } from '../../shared/storage/bucket.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { putMetadata } from '../../shared/storage/put-metadata.ts';
import { type Counts, countOutcomes } from './count-outcomes.ts';
import type { SweeperDeps } from './sweeper.ts';
import { type Walk, walk } from './walk.ts';

/** Where a duty stopped, as the metadata of an object says it; empty texts are not written. */
export type Place = Readonly<Record<string, string>>;

/** The place of a duty, kept in the metadata of an object. Of two at work at the same time, one can move it from where it was. */
export class Cursor {
  readonly #bucket: Bucket;
  readonly #name: string;
  #object: StoredObject | undefined;

  private constructor(bucket: Bucket, name: string, object: StoredObject | undefined) {
    this.#bucket = bucket;
    this.#name = name;
    this.#object = object;
  }

  /** @throws {StorageError} */
  static async open(bucket: Bucket, name: string): Promise<Cursor> {
    return new Cursor(bucket, name, await bucket.stat(name));
  }

  /** The place as it was read, or saved last; empty for the beginning. */
  get place(): Place {
    return this.#object?.metadata ?? {};
  }

  /**
   * Writes a place, unless that changes nothing. One that two may write at the same time needs a value that tells them apart.
   * @returns false where somebody else has moved it meanwhile: nothing is written any more
   * @throws {StorageError}
   */
  async save(place: Place): Promise<boolean> {
    const metadata = Object.fromEntries(Object.entries(place).filter(([, value]) => value !== ''));
    if (isDeepStrictEqual(metadata, this.place)) return true;
    const saved = await putMetadata(this.#bucket, this.#name, this.#object, metadata);
    if (saved) this.#object = saved;
    return saved !== undefined;
  }
}

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
  work: (place: Place) => Promise<Place | undefined>,
): Promise<boolean> {
  const cursor = await Cursor.open(bucket, name);
  const next = await work(cursor.place);
  await cursor.save(next ?? {});
  return next === undefined;
}

/** Counts what comes of each object of a walk, which goes on where the last call was stopped. @see resume */
export async function resumeWalk<Named extends { readonly name: string }, Outcome extends string>(
  { permanent, log }: Pick<SweeperDeps, 'permanent' | 'log'>,
  name: string,
  { visit, ...terms }: Omit<Walk<Named>, 'visit'> & { readonly visit: (object: Named) => Promise<Outcome> },
): Promise<{ readonly counts: Counts<Outcome>; readonly complete: boolean }> {
  const counts: Counts<Outcome> = {};
  const counted = countOutcomes(log, counts, visit);
  const complete = await resume(permanent, name, ({ from }) => walk({ ...terms, from, visit: counted }));
  return { counts, complete };
}
