/** The middle of some values; of an even number, the mean of the two. @throws {RangeError} where there are none */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('no values');
  const sorted = values.toSorted((a, b) => a - b);
  const [low = 0, high = 0] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return (low + high) / 2;
}

/** The smallest value that at least this share of all does not exceed. @throws {RangeError} where there are none */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError('no values');
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

/**
 * The median ratio of one series to another, pair by pair: the two of a pair were measured one right
 * after the other, so what the machine did at that time touched both.
 */
export function pairedRatio(ours: readonly number[], theirs: readonly number[]): number {
  if (ours.length !== theirs.length) throw new RangeError('not pairs');
  return median(ours.map((value, at) => value / (theirs[at] ?? Number.NaN)));
}
