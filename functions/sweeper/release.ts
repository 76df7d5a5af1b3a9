import * as v from 'valibot';
import { announceFinding } from '../../shared/events/complete-scan.ts';
import {
  CONDEMNED,
  type LiftedFinding,
  type Release,
  replacedAt,
  type StandingFinding,
} from '../../shared/files/finding.ts';
import { parseSha256, type Sha256 } from '../../shared/files/record.ts';
import { defined } from '../../shared/runtime/defined.ts';
import type { SweeperDeps } from './sweeper.ts';

const sha256 = v.custom<Sha256>((text) => typeof text === 'string' && parseSha256(text) !== undefined);
/** Kept with the finding, whose metadata has 8 KiB for all. */
export const Reason = v.pipe(v.string(), v.trim(), v.nonEmpty(), v.maxBytes(1_000));

/** The order of an operator to lift a finding: for one signature, or for whatever is found in the content. */
export const ReleaseOrder = v.strictObject({
  sha256,
  reason: Reason,
  signature: v.optional(v.pipe(v.string(), v.nonEmpty(), v.maxBytes(1_000))),
});

/** The order of an operator to refuse a content. */
export const CondemnOrder = v.strictObject({ sha256, reason: Reason });

export interface ReleaseDeps extends Pick<SweeperDeps, 'findings' | 'publish' | 'now' | 'log'> {
  /** A release takes effect when a second operator asks for the same. */
  readonly needsSecond?: boolean;
}

type ReleaseReport =
  | { readonly released: 0 | 1; readonly alsoFound?: string }
  | { readonly state: 'awaitingSecond'; readonly askedBy: string; readonly askedAt: string };

/**
 * Lifts a finding on the word of an operator: it was a false positive. Files that are clean are handed out again at once;
 * the next sweep makes those clean that are infected. Repeated, it sees to it that this is known and done. One that covers more than
 * an earlier release replaces that.
 * @param by email of the operator
 * @param mayRelease a policy, where no operator has ordered it: a scan that finds the signature again brings the finding back
 * @returns released 0 where no such finding stands and none is released for less, or where scans have found another signature as well
 *   (`alsoFound`), which a release of one does not cover
 * @throws {StorageError} and what `publish` throws: repeat it
 */
export async function releaseFinding(
  { findings, publish, now, log, needsSecond = false }: ReleaseDeps,
  { sha256, ...order }: v.InferOutput<typeof ReleaseOrder>,
  by: string,
  mayRelease?: (known: StandingFinding) => boolean,
): Promise<ReleaseReport> {
  for (;;) {
    const known = await findings.look(sha256);
    if (known && 'release' in known && (mayRelease || !isWider(order, known))) {
      await announceFinding({ findings, publish }, sha256, known);
      return { released: 0 };
    }
    if (!known || (order.signature !== undefined && order.signature !== known.signature))
      return { released: 0 };
    const standing = 'release' in known ? undefined : known;
    if (standing && mayRelease && !mayRelease(standing)) return { released: 0 };
    // Taking back the word of an operator says nothing of what a scan may find in the content.
    const signature = known.signature === CONDEMNED ? CONDEMNED : order.signature;
    if (standing?.other !== undefined && signature !== undefined && !mayRelease)
      return { released: 0, alsoFound: standing.other };
    const release: Release = {
      by,
      at: replacedAt('release' in known ? known.release.at : known.finding?.scannedAt, now()),
      reason: order.reason,
      ...defined({ signature }),
      ...(mayRelease && { untilFound: true }),
    };
    const asked = known.asked?.signature === release.signature ? known.asked : undefined;
    if (needsSecond && (!asked || isSame(asked.by, by))) {
      if (!asked && !(await findings.ask(known, release))) continue;
      const { at, ...first } = asked ?? release;
      log.warn({ sha256, by: first.by, reason: first.reason }, 'release requested');
      return { state: 'awaitingSecond', askedBy: first.by, askedAt: at.toISOString() };
    }
    const lifted = await findings.release(known, release);
    if (!lifted) continue;
    const askedBy = needsSecond && { askedBy: asked?.by };
    log.warn(
      { sha256, signature: known.signature, by, reason: order.reason, ...askedBy },
      'finding released',
    );
    await announceFinding({ findings, publish }, sha256, lifted);
    return { released: 1 };
  }
}

/** An order after a release that covers less, and that only an order can widen: the same order again finds it done. */
function isWider(order: { readonly signature?: string | undefined }, { signature, release }: LiftedFinding) {
  if (signature === CONDEMNED || release.signature === undefined) return false;
  return order.signature === undefined || (release.untilFound && order.signature === release.signature);
}

function isSame(first: string, second: string): boolean {
  return first.toLowerCase() === second.toLowerCase();
}

/**
 * Refuses a content on the word of an operator, whether it is stored or not, and recalls its files: also after a release.
 * Repeated, it sees to it that this is known and done.
 * @param by email of the operator
 * @returns condemned 0 where a finding stands already, which has a note of it
 * @throws {StorageError} and what `publish` throws: repeat it
 */
export async function condemnContent(
  { findings, publish, now, log }: Pick<SweeperDeps, 'findings' | 'publish' | 'now' | 'log'>,
  { sha256, reason }: v.InferOutput<typeof CondemnOrder>,
  by: string,
): Promise<{ readonly condemned: 0 | 1 }> {
  const { known, written, noted } = await findings.condemn(sha256, { by, at: now(), reason });
  if (written || noted) log.warn({ sha256, by, reason }, 'content condemned');
  await announceFinding({ findings, publish }, sha256, known);
  return { condemned: written ? 1 : 0 };
}
