/** Items worked on at a time: most of the work is waiting for Cloud Storage. */
const AT_A_TIME = 16;

/**
 * Visits items concurrently. A started visit is finished; after a failure, no other one starts.
 * @param visit is told how to ask whether another visit has failed
 * @returns the first item that was not visited because of `stop`; undefined at the end
 * @throws what `items` throws, and the first failure of a visit, once all that were started are over
 */
export async function visitSideBySide<Item>(
  items: AsyncIterable<Item> | Iterable<Item>,
  visit: (item: Item, hasFailed: () => boolean) => Promise<void>,
  stop: (next: Item) => boolean,
  atATime = AT_A_TIME,
): Promise<Item | undefined> {
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const hasFailed = () => failures.length > 0;
  let next: Item | undefined;
  try {
    for await (const item of items) {
      if (hasFailed() || stop(item)) {
        next = item;
        break;
      }
      const work: Promise<void> = visit(item, hasFailed)
        .catch((error: unknown) => void failures.push(error))
        .finally(() => running.delete(work));
      running.add(work);
      if (running.size >= atATime) await Promise.race(running);
    }
  } finally {
    await Promise.all(running);
  }
  if (hasFailed()) throw failures[0];
  return next;
}
