import type { Logger } from '../../shared/runtime/log.ts';
import type { StoredObject } from '../../shared/storage/object.ts';

/** Number of objects by outcome. */
export type Counts<Outcome extends string> = Partial<Record<Outcome | 'error', number>>;

/**
 * Counts the outcome of each object. An object that cannot be processed is logged and counted as an error, so that it
 * does not block the others; the next sweep retries it.
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
