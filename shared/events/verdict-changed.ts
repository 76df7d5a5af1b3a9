import { createHash } from 'node:crypto';
import type { Finding, LiftedFinding } from '../files/finding.ts';
import type { Sha256 } from '../files/record.ts';
import { shownEngine } from '../scanning/engine.ts';
import { cloudEvent, type EventMessage } from './cloud-event.ts';

/**
 * A content that was handed out as clean is malware. It is about the content, and so about every file that has it:
 * there is no index from a content to its files. Its id is a function of content and finding: one that comes after a
 * release is another. It continues no upload's trace.
 */
export function verdictChanged(sha256: Sha256, { signature, scannedAt, engine }: Finding): EventMessage {
  const verdict = 'infected';
  const changedAt = scannedAt.toISOString();
  return cloudEvent({
    name: 'verdict.changed.v1',
    // The digest of the name: an attribute has at most 1 024 bytes, and a name may have more.
    id: `${sha256}/infected/${changedAt}/${createHash('sha256').update(signature).digest('hex').slice(0, 16)}`,
    subject: sha256,
    time: scannedAt,
    data: { sha256, verdict, signature, changedAt, ...(engine && { engine: shownEngine(engine) }) },
    filterable: { verdict },
  });
}

/** A content that was malware is clean: an operator has lifted its finding. The name of the operator stays with us. */
export function verdictLifted(
  sha256: Sha256,
  { signature, release: { at, reason } }: LiftedFinding,
): EventMessage {
  const verdict = 'clean';
  const changedAt = at.toISOString();
  return cloudEvent({
    name: 'verdict.changed.v1',
    id: `${sha256}/clean/${changedAt}`,
    subject: sha256,
    time: at,
    data: { sha256, verdict, signature, changedAt, released: { reason, at: changedAt } },
    filterable: { verdict },
  });
}
