import { isDeepStrictEqual } from 'node:util';
import type { Bucket } from '../../shared/storage/bucket.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { putMetadata } from '../../shared/storage/put-metadata.ts';
import { type Counts, countOutcomes } from './count-outcomes.ts';
import type { SweeperDeps } from './sweeper.ts';
import { type Walk, walk } from './walk.ts';

/** Where a duty stopped, as metadata of an object; empty strings are not written. */
export type Place = Readonly<Record<string, string>>;

/** The position of a duty, kept in the metadata of an object. Of two concurrent runs, only one can move it. */
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

  /** The position as last read or saved; empty for the beginning. */
  get place(): Place {
    return this.#object?.metadata ?? {};
  }

  /**
   * Writes a position, unless it is unchanged. If two runs may write the same one concurrently, include a unique value.
   * @returns false if another run has moved it: nothing is written from then on
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
 * Continues where the last call stopped. The position is kept in the metadata of an object, which is not created as
 * long as every call completes.
 *
 * Of two concurrent runs, only one can move the position. The work of the other one is done too, and its position is
 * not needed: at worst, a part is visited again.
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

/** Counts the outcomes of a walk, which continues where the last call stopped. @see resume */
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
