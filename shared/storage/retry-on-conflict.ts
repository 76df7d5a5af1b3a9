/** Attempts at a compare-and-swap. Losing this many is more than races with other writers explain. */
export const MAX_RACES = 5;

/**
 * Calls an attempt again while it returns 'conflict', at most {@link MAX_RACES} times in all and without a pause. After
 * a conflict it should start from a fresh read.
 * @param attempt gets the number of conflicts before it
 * @returns the first other outcome; 'conflict' if there was none
 * @throws what `attempt` throws, at once
 */
export async function retryOnConflict<Outcome>(
  attempt: (races: number) => Promise<Outcome | 'conflict'>,
): Promise<Outcome | 'conflict'> {
  for (let races = 0; races < MAX_RACES; races++) {
    const outcome = await attempt(races);
    if (outcome !== 'conflict') return outcome;
  }
  return 'conflict';
}
