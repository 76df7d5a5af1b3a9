import { announceFinding } from '../../shared/events/complete-scan.ts';
import type { BlobUse } from '../../shared/files/blobs.ts';
import type { LiftedFinding, StandingFinding } from '../../shared/files/finding.ts';
import type { Findings } from '../../shared/files/findings.ts';
import type { DecidedRecord, Sha256 } from '../../shared/files/record.ts';
import type { ScanContext } from './scan-context.ts';

/**
 * Records that the content of a file is malware: from then on it cannot be downloaded through any file. If older
 * signatures had found it clean, publishes that too. All this happens before the record of the file is written: until
 * then, a crash causes a redelivery of its event.
 * @param found the finding that was known before, or the result of this scan
 * @returns the operator's release that covers the signature: then nothing is recorded
 * @throws {StorageError} and what `publish` throws
 */
export async function markInfected(
  scan: Pick<ScanContext, 'accepts' | 'blobs' | 'findings' | 'publish'>,
  file: BlobUse,
  found: StandingFinding | (DecidedRecord['scan'] & { readonly signature: string }),
): Promise<LiftedFinding | undefined> {
  const { sha256 } = file.content;
  const known = 'announced' in found ? found : await keep(scan.findings, sha256, found);
  if (known && 'release' in known) return known;
  // Looked up after the finding exists: a scanner that promotes later finds it (docs/adr/0027).
  if (!known || known.announced) return undefined;
  if (known.afterRelease) {
    await announceFinding(scan, sha256, known);
    return undefined;
  }
  // A listing takes longer than a look at names, and where nothing is accepted it would find nothing.
  const [isStored, hasAccepted] = await Promise.all([
    scan.blobs.has(file),
    scan.accepts.size > 0 && scan.blobs.hasAccepted(),
  ]);
  if (isStored) await announceFinding(scan, sha256, known);
  // It was never clean, so no content changes, but files may have it.
  else if (hasAccepted) await scan.findings.recalls.open(sha256);
  return undefined;
}

/** There was no scan if there is no engine: the verdict comes from a hand-written marker on a blob. */
function keep(
  findings: Findings,
  sha256: Sha256,
  { signature, scannedAt, engine }: DecidedRecord['scan'] & { readonly signature: string },
): Promise<StandingFinding | LiftedFinding | undefined> {
  return engine ? findings.add(sha256, { signature, scannedAt, engine }) : findings.get(sha256);
}
