import type { CondemnedBlob } from '../../shared/files/blob.ts';
import type { LiftedFinding, StandingFinding } from '../../shared/files/finding.ts';
import type { DecidedRecord, PendingRecord, Sha256 } from '../../shared/files/record.ts';
import { defined } from '../../shared/runtime/defined.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import type { Decision } from './decision.ts';
import { foundBefore } from './known.ts';
import { markInfected } from './mark-infected.ts';
import type { ScanContext } from './scan-context.ts';

/**
 * Step 7: puts the bytes where their verdict says, and says what the record will be.
 * @returns 'belied' where an operator has allowed what was found, and the digest is not the one that the client claimed
 * @throws {StorageError}: what was put somewhere is found there by a repeat
 */
export async function applyVerdict(
  scan: ScanContext,
  pending: PendingRecord,
  object: StoredObject,
  decision: Decision,
): Promise<DecidedRecord | 'sourceGone' | 'belied'> {
  const { verdict, content, scan: scanned } = decision;
  const stored = storedOf(pending);
  const asFound = (known: StandingFinding | CondemnedBlob) =>
    applyVerdict(scan, pending, object, {
      ...decision,
      ...foundBefore(known, object.generation, scan.now()),
    });
  switch (verdict.kind) {
    case 'clean': {
      if (!content || !scanned.engine) throw new Error('clean without digests or engine');
      const released = decision.lifted && releasedBy(decision.lifted);
      const clean: DecidedRecord = { ...stored, state: 'clean', content, scan: scanned, ...released };
      if (decision.promoted) return clean;
      // One scanner's clean does not lift another's finding, whichever has the newer signatures. Where the digest was
      // known before the scan, it was asked for then.
      const known = pending.content ? undefined : await scan.findings.get(content.sha256);
      if (known) return asFound(known);
      const source = { bucket: scan.unscanned, object };
      const promoted = await scan.blobs.promote(source, clean, { ...scanned, engine: scanned.engine });
      if (promoted === 'promoted') return clean;
      return promoted === 'sourceGone' ? promoted : asFound(promoted);
    }
    case 'infected': {
      if (!content) throw new Error('infected without digests');
      const { signature } = verdict;
      const found = decision.finding ?? { signature, ...scanned };
      const lifted = await markInfected(scan, { ...stored, content }, found);
      if (lifted) {
        if (decision.belied) return 'belied';
        const allowed = { ...decision, verdict: { kind: 'clean' as const }, lifted };
        return applyVerdict(scan, pending, object, allowed);
      }
      await quarantine(scan, object, { finding: signature, sha256: content.sha256 });
      return { ...stored, state: 'infected', content, scan: scanned, signature: verdict.signature };
    }
    case 'unscannable': {
      const { kind, ...why } = verdict;
      const record = { ...stored, state: kind, scan: scanned, ...why };
      if (content && scan.accepts.has(why.reason)) {
        const known = await scan.findings.get(content.sha256);
        if (known) return asFound(known);
        const kept = await scan.blobs.accept({ bucket: scan.unscanned, object }, stored.id, content);
        return kept === 'sourceGone' ? kept : { ...record, content, accepted: true };
      }
      await quarantine(scan, object, {
        finding: why.detail ?? why.reason,
        ...defined({ sha256: content?.sha256 }),
      });
      return { ...record, ...defined({ content }), accepted: false };
    }
  }
}

/** Parts of a record that a verdict does not change. */
function storedOf(pending: PendingRecord) {
  const { state: _, content: __, lease: ___, redriven: ____, claims: _____, ...stored } = pending;
  return stored;
}

/** The event of its scan says that it is clean: none of a release is to come. */
function releasedBy({ release: { by, reason, at } }: LiftedFinding) {
  return { released: { by, reason, at, announced: true as const } };
}

/** A copy that is there already is from an earlier try; a source that is gone leaves the verdict as it is. */
async function quarantine(
  scan: ScanContext,
  object: StoredObject,
  found: { readonly finding: string; readonly sha256?: Sha256 },
): Promise<void> {
  if (!scan.quarantine) return;
  const metadata = { ...found, scannedAt: scan.now().toISOString() };
  const target = {
    bucket: scan.quarantine,
    name: object.name,
    contentType: 'application/octet-stream',
    metadata,
  };
  await scan.unscanned.rewrite(object, target);
}
