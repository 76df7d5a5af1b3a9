import { visitSideBySide } from './side-by-side.ts';

/** The digits of file ids, and of digests, in the order of their bytes. */
export const ID_DIGITS = '0123456789abcdefghijklmnopqrstuv';
export const HEX_DIGITS = '0123456789abcdef';

/** A range of names: from its first one on, up to the first of the next. */
export interface Range {
  readonly from: string;
  readonly to: string | undefined;
}

/** Where each range of a walk goes on, by a short key; a range that is not named has not begun. */
export type Places = Readonly<Record<string, string>>;

/** A range that was walked to its end. */
const END = 'end';

/** The ranges below a prefix whose names have one of these digits next; digits are in the order of their bytes. */
export function rangesOf(prefix: string, digits: string, count: number): readonly Range[] {
  const starts = Array.from({ length: count }, (_, at) => digits.charAt((at * digits.length) / count));
  return starts.map((first, at) => {
    const next = starts[at + 1];
    return { from: at === 0 ? prefix : prefix + first, to: next === undefined ? undefined : prefix + next };
  });
}

/**
 * Walks through ranges of names side by side, each from where it was stopped. Where one fails, the others are stopped.
 * @param places as an earlier call returned them
 * @param walkOne resolves to the name to go on from ('' for the first), or to undefined at the end of the range
 * @returns where to go on; undefined once all are at their end
 * @throws what `walkOne` throws
 */
export async function walkRanges(
  ranges: readonly Range[],
  places: Places,
  stop: () => boolean,
  walkOne: (range: Range, stop: () => boolean) => Promise<{ readonly from: string } | undefined>,
): Promise<Places | undefined> {
  const reached: Record<string, string> = {};
  const walkFrom = async ([at, { from, to }]: [number, Range], hasFailed: () => boolean): Promise<void> => {
    const key = `range${at}`;
    const before = places[key];
    const isOver = () => hasFailed() || stop();
    const next = before === END ? undefined : await walkOne({ from: before ?? from, to }, isOver);
    reached[key] = next ? next.from || from : END;
  };
  await visitSideBySide(ranges.entries(), walkFrom, () => false);
  return Object.values(reached).every((place) => place === END) ? undefined : reached;
}
