import * as v from 'valibot';

const LINE = v.object({
  message: v.literal('scan completed'),
  fileId: v.string(),
  arrivedAt: v.string(),
  waitMs: v.number(),
  scanMs: v.optional(v.number()),
  moveMs: v.optional(v.number()),
});

/** Where the time of a file went, as the scanner measured it; times in ms. */
export type ScanTimings = Omit<v.InferOutput<typeof LINE>, 'message'>;

/** The timings in a line of the scanner's log; undefined where it tells none. */
export function timingsIn(line: string): ScanTimings | undefined {
  if (!line.includes('"scan completed"')) return undefined;
  try {
    const read = v.safeParse(LINE, JSON.parse(line));
    if (!read.success) return undefined;
    const { message: _, ...timings } = read.output;
    return timings;
  } catch {
    return undefined;
  }
}
