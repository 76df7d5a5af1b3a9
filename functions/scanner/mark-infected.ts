import { announceFinding } from '../../shared/events/complete-scan.ts';
import type { BlobUse } from '../../shared/files/blobs.ts';
import type { LiftedFinding, StandingFinding } from '../../shared/files/finding.ts';
import type { Findings } from '../../shared/files/findings.ts';
import type { DecidedRecord, Sha256 } from '../../shared/files/record.ts';
import type { ScanContext } from './scan-context.ts';

/**
 * Keeps that the content of a file is malware: from here on nobody gets it, whichever files have it. It may have been
 * found clean by older signatures and handed out, and then the event says so. All this before the record of the file
 * is written: until then a crash brings its event back.
 * @param found the finding that was known before, or what the scan found just now
 * @returns the release of an operator that allows what was found: then nothing was kept
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
  // Looked for after the finding is there: a scanner that promotes later finds the finding (docs/adr/0027).
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
  // It was never clean, so that nothing has changed for a content, but files may have it.
  else if (hasAccepted) await scan.findings.recalls.open(sha256);
  return undefined;
}

/** Nothing was scanned without an engine: what somebody wrote by hand on a blob gave the verdict. */
function keep(
  findings: Findings,
  sha256: Sha256,
  { signature, scannedAt, engine }: DecidedRecord['scan'] & { readonly signature: string },
): Promise<StandingFinding | LiftedFinding | undefined> {
  return engine ? findings.add(sha256, { signature, scannedAt, engine }) : findings.get(sha256);
}
