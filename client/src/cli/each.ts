/**
 * Works on `parallel` items at a time, begun in their order, until there are no more or the signal aborts.
 * @param done is told each result in the order of the items
 * @returns the results of all that were begun
 */
export async function inParallel<Item, Result>(
  items: Iterator<Item> | AsyncIterator<Item>,
  { parallel, signal }: { readonly parallel: number; readonly signal: AbortSignal },
  work: (item: Item) => Promise<Result>,
  done: (result: Result) => void = () => undefined,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  let begun = 0;
  let told = 0;
  const worker = async () => {
    while (!signal.aborted) {
      const next = await items.next();
      if (next.done) return;
      const at = begun++;
      results[at] = await work(next.value);
      for (let result = results[told]; result; result = results[++told]) done(result);
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return results;
}
