import type { Logger } from '../../shared/runtime/log.ts';
import type { StoredObject } from '../../shared/storage/object.ts';

/** Objects, counted by what came of them. */
export type Counts<Outcome extends string> = Partial<Record<Outcome | 'error', number>>;

/**
 * A visit that counts what came of each object. One that cannot be dealt with now is logged and counted as an
 * error, and must not keep the others waiting: the next sweep comes to it again.
 */
export function countOutcomes<
  Outcome extends string,
  Visited extends Pick<StoredObject, 'name'> = StoredObject,
>(
  log: Logger,
  counts: Counts<Outcome>,
  visit: (object: Visited) => Promise<Outcome>,
): (object: Visited) => Promise<void> {
  return async (object) => {
    let outcome: Outcome | 'error';
    try {
      outcome = await visit(object);
    } catch (error) {
      log.error({ err: error, object: object.name }, 'object not processed');
      outcome = 'error';
    }
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  };
}
