import { announceFinding } from '../../../shared/events/complete-scan.ts';
import type { RescanRequest } from '../../../shared/events/rescan-request.ts';
import {
  type FoundClean,
  isOfAScan,
  isSameFinding,
  type StandingFinding,
} from '../../../shared/files/finding.ts';
import type { Sha256 } from '../../../shared/files/record.ts';
import { isOlder, shownEngine } from '../../../shared/scanning/engine.ts';
import type { Bucket } from '../../../shared/storage/bucket.ts';
import { decideByScan } from '../decide.ts';
import { coverageOf, type Decision } from '../decision.ts';
import { later, type Outcome } from '../outcome.ts';
import { isSame, OWNER, type RescanContext, type RescanOutcome } from './rescan-context.ts';

/** A request for bytes in quarantine. */
type Request = RescanRequest & { readonly quarantined: Sha256 };

/**
 * Scans bytes in quarantine again, and notes on the finding of their digest whether signatures that are newer than those which found
 * something still do. It hands nothing out, and lifts nothing: docs/adr/0045-clean-in-quarantine.md
 * @throws {StorageError}, {ScanFault}: the request should be redelivered
 */
export async function rescanQuarantined(
  context: RescanContext & { readonly quarantine: Bucket },
  { name, generation, dueAt, quarantined: sha256 }: Request,
  signal: AbortSignal,
): Promise<RescanOutcome | Outcome> {
  const { quarantine, findings, log } = context;
  const [object, known] = await Promise.all([quarantine.stat(name, signal), findings.get(sha256, signal)]);
  if (object?.generation !== generation || !known || !isOfAScan(known)) return 'over';
  // Found by an earlier delivery that ended before publishing it.
  if (known.afterRelease && !known.announced) await announceFinding(context, sha256, known);
  const engine = await context.engine.fit();
  const before = known.clean?.engine ?? known.foundAgainBy ?? known.finding.engine;
  // A clean result from older signatures does not refute a finding by newer ones.
  if ((known.clean && known.clean.at >= dueAt) || isSame(engine, before) || isOlder(engine, before))
    return 'current';
  // Windows do not find everything, so they do not refute a scan of the whole file.
  if (coverageOf(context, object.size) !== 'whole') return note(context, sha256, known, undefined);
  const { size, crc32c } = object;
  const file = { owner: OWNER, content: { size, crc32c, sha256 } };
  const begun = async () => undefined;
  const decision = await decideByScan(context, { bucket: quarantine, file, object }, { signal, begun });
  if (decision === 'sourceGone') return 'over';
  if ('refused' in decision) return later(decision);
  if ('failure' in decision) {
    log.warn({ object: name, sha256 }, 'quarantined bytes do not match their digest');
    return 'damaged';
  }
  if (decision.verdict.kind === 'infected') return foundAgain(context, sha256, known, decision);
  return note(context, sha256, known, decision);
}

/** It may be another signature, which a release of the first must not cover, or a release may have come meanwhile. */
async function foundAgain(
  { findings, publish }: RescanContext,
  sha256: Sha256,
  known: StandingFinding,
  { verdict, scan: { scannedAt, engine } }: Decision,
): Promise<RescanOutcome> {
  if (verdict.kind !== 'infected' || !engine) throw new Error('no finding');
  const kept = await findings.add(sha256, { signature: verdict.signature, scannedAt, engine });
  if ('release' in kept) return 'released';
  const isAnother = kept.finding?.scannedAt.getTime() !== known.finding?.scannedAt.getTime();
  if (isAnother) await announceFinding({ findings, publish }, sha256, kept);
  return 'infected';
}

/** @param decision undefined if the content is too large to be scanned as a whole */
async function note(
  { findings, log }: RescanContext,
  sha256: Sha256,
  known: StandingFinding,
  decision: Decision | undefined,
): Promise<RescanOutcome> {
  const found = decision && foundClean(decision);
  for (let current: StandingFinding | undefined = known; current; current = await findings.get(sha256)) {
    const { signature } = current;
    // There is a new finding or an operator's decision, which this scan does not refute.
    if (!isSameFinding(current, known)) return 'over';
    if (!(await findings.noteClean(current, found))) continue;
    const line = { sha256, signature, ...(found && { engine: shownEngine(found.engine) }) };
    if (found && !known.clean) log.warn(line, 'newer signatures find nothing in a quarantined content');
    return found ? 'clean' : 'unscannable';
  }
  return 'over';
}

function foundClean({ verdict, scan: { scannedAt, engine }, readFrom }: Decision): FoundClean | undefined {
  return verdict.kind === 'clean' && engine ? { at: readFrom ?? scannedAt, engine } : undefined;
}
