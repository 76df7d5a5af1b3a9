import type { ByteRange } from '../../../shared/storage/read.ts';

/** More are not worth the requests that they cost: the whole is answered, as RFC 9110 section 14.2 permits. */
const MAX_RANGES = 16;
/** Characters: enough for {@link MAX_RANGES} ranges of any file, with spaces between. */
const MAX_LENGTH = 1024;
/** Bytes: about what the head of a part takes, so that sending a smaller gap is cheaper than leaving it out. */
const LEAST_GAP = 128;

/**
 * The ranges of a Range header (RFC 9110 sections 14.1 and 14.2) that a content of `size` bytes has, in the order
 * in which they were asked for. Those that overlap or nearly touch are sent as one (section 15.3.7.2), so a client
 * never gets a byte twice and many small ranges are no lever.
 * @returns undefined where the header is to be ignored and the whole is the answer: none, another unit, not valid,
 *   or too many; 'unsatisfiable' where the content has none of them
 */
export function rangesOf(
  header: string | undefined,
  size: number,
): readonly ByteRange[] | 'unsatisfiable' | undefined {
  if (header === undefined || header.length > MAX_LENGTH) return undefined;
  const [, list] = /^bytes=(.*)$/i.exec(header) ?? [];
  // A list may have empty elements: section 5.6.1.2.
  const specs = list?.split(',').flatMap((spec) => spec.trim() || []) ?? [];
  const ranges: ByteRange[] = [];
  for (const spec of specs) {
    const range = rangeOf(spec, size);
    if (range === 'invalid') return undefined;
    if (range) ranges.push(range);
  }
  if (specs.length === 0 || ranges.length > MAX_RANGES) return undefined;
  // Of nothing, its last bytes are satisfiable and yet no range that could be named: the whole is them.
  if (ranges.length === 0 && size === 0 && specs.some((spec) => /^-0*[1-9]/.test(spec))) return undefined;
  return ranges.length === 0 ? 'unsatisfiable' : joined(ranges);
}

/** @returns undefined where the content has no such bytes */
function rangeOf(spec: string, size: number): ByteRange | 'invalid' | undefined {
  const [, first, last] = /^(\d*)-(\d*)$/.exec(spec) ?? [];
  if (first === undefined || last === undefined || first + last === '') return 'invalid';
  if (first === '') {
    const start = Math.max(0, size - Number(last));
    return start < size ? { start, end: size - 1 } : undefined;
  }
  if (last !== '' && Number(last) < Number(first)) return 'invalid';
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return Number(first) < size ? { start: Number(first), end } : undefined;
}

/** Where ranges overlap or nearly touch, one range stands for them, at the place of the first of them. */
function joined(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const groups: { start: number; end: number; place: number }[] = [];
  const sorted = ranges.map((range, place) => ({ ...range, place })).sort((a, b) => a.start - b.start);
  for (const range of sorted) {
    const group = groups.at(-1);
    if (group && range.start - group.end <= LEAST_GAP) {
      group.end = Math.max(group.end, range.end);
      group.place = Math.min(group.place, range.place);
    } else groups.push({ ...range });
  }
  return groups.sort((a, b) => a.place - b.place).map(({ start, end }) => ({ start, end }));
}
