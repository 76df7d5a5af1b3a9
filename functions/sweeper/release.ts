import * as v from 'valibot';
import { parseSha256 } from '../../shared/files/record.ts';
import type { SweeperDeps } from './sweeper.ts';

/** The order that an operator sends. The reason is kept with the finding, whose metadata has 8 KiB for all. */
export const ReleaseOrder = v.strictObject({
  sha256: v.pipe(
    v.string(),
    v.transform(parseSha256),
    v.check((digest) => digest !== undefined),
    v.transform((digest) => digest as NonNullable<typeof digest>),
  ),
  reason: v.pipe(v.string(), v.trim(), v.nonEmpty(), v.maxBytes(1_000)),
});

/**
 * Lifts a finding on the word of an operator: it was a false positive. Files that are clean are handed out again;
 * those that are infected stay so. A later scan that finds something in the content counts again.
 * @param by email of the operator
 * @throws {StorageError}
 */
export async function releaseFinding(
  { findings, now, log }: Pick<SweeperDeps, 'findings' | 'now' | 'log'>,
  { sha256, reason }: v.InferOutput<typeof ReleaseOrder>,
  by: string,
): Promise<{ readonly released: 0 | 1 }> {
  const released = await findings.release(sha256, { by, at: now(), reason });
  if (released) log.warn({ sha256, by, reason }, 'finding released');
  return { released: released ? 1 : 0 };
}
