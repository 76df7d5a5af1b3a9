/** Does its work once. @returns what is compared: seconds, or a rate */
export type Contender = () => Promise<number>;

/** How often contenders are measured. */
export interface Rounds {
  readonly times: number;
  /** Fewer rounds have to do on a slower machine: none is begun after so long. The first always is. */
  readonly withinSeconds: number;
}

/**
 * Measures contenders in turns, so that what the machine does meanwhile meets all of them, and in the opposite order
 * every other time, so that none is always the one behind another.
 */
export async function sideBySide<Name extends string>(
  contenders: Readonly<Record<Name, Contender>>,
  { times, withinSeconds }: Rounds,
): Promise<Record<Name, number[]>> {
  const end = performance.now() + withinSeconds * 1000;
  const names = Object.keys(contenders) as Name[];
  // Object.fromEntries forgets the names of its keys.
  const measured = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>;
  for (let round = 0; round === 0 || (round < times && performance.now() < end); round += 1) {
    const order = round % 2 === 0 ? names : names.toReversed();
    for (const name of order) measured[name].push(await contenders[name]());
  }
  return measured;
}

/** Fills caches and lets compilers do their work, so that what comes next is measured warm. */
export const ONCE: Rounds = { times: 1, withinSeconds: 0 };

/** Seconds that some work takes. */
export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
