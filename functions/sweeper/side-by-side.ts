/** Items worked on at a time: most of the work is waiting for Cloud Storage. */
const AT_A_TIME = 16;

/**
 * Visits what a stream yields, several at a time. A started visit is finished.
 * @param visit must not throw
 * @returns the first item that was not visited because of `stop`; undefined at the end
 * @throws what `items` throws
 */
export async function visitSideBySide<Item>(
  items: AsyncGenerator<Item, void, undefined>,
  visit: (item: Item) => Promise<void>,
  stop: () => boolean,
): Promise<Item | undefined> {
  const running = new Set<Promise<void>>();
  try {
    for await (const item of items) {
      if (stop()) return item;
      const work: Promise<void> = visit(item).finally(() => running.delete(work));
      running.add(work);
      if (running.size >= AT_A_TIME) await Promise.race(running);
    }
    return undefined;
  } finally {
    await Promise.all(running);
  }
}
