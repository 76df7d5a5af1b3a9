import type { StoredObject } from '../../../shared/storage/object.ts';
import { type ArchivedObject, compareNames } from './archived.ts';

/** An object as an export has it and as it is, where it is in either. */
export interface Joined {
  readonly before?: ArchivedObject | undefined;
  readonly now?: StoredObject | undefined;
}

/** Merges an export with a listing: each name once, in the order of both. @throws what either throws */
export async function* joined(
  before: AsyncGenerator<ArchivedObject, void, undefined>,
  now: AsyncGenerator<StoredObject, void, undefined>,
): AsyncGenerator<Joined, void, undefined> {
  try {
    let [old, there] = await Promise.all([before.next(), now.next()]);
    while (old.value || there.value) {
      const order = !old.value ? 1 : !there.value ? -1 : compareNames(old.value.name, there.value.name);
      yield { before: (order <= 0 && old.value) || undefined, now: (order >= 0 && there.value) || undefined };
      if (order <= 0) old = await before.next();
      if (order >= 0) there = await now.next();
    }
  } finally {
    await Promise.all([before.return(), now.return()]);
  }
}
