import type { BlobUse } from '../../shared/files/blobs.ts';
import { announceFinding } from '../../shared/files/conclude.ts';
import type { DecidedRecord } from '../../shared/files/record.ts';
import type { Scan } from './scan.ts';

/**
 * Keeps that the content of a file is malware: from here on nobody gets it, whichever files have it. It may have been
 * found clean by older signatures and handed out, and then the event says so. All this before the record of the file
 * is written: until then a crash brings its event back.
 * @throws {StorageError} and what `publish` throws
 */
export async function condemn(
  scan: Pick<Scan, 'blobs' | 'findings' | 'publish'>,
  file: BlobUse,
  signature: string,
  { scannedAt, engine }: DecidedRecord['scan'],
): Promise<void> {
  const { sha256 } = file.content;
  // Without an engine nothing was scanned: what somebody wrote by hand gave the verdict.
  const known = engine
    ? await scan.findings.add(sha256, { signature, scannedAt, engine })
    : await scan.findings.get(sha256);
  // Looked for after the finding is there: a scanner that promotes later finds the finding (docs/adr/0027).
  if (known && !known.announced && (await scan.blobs.has(file))) await announceFinding(scan, sha256, known);
}
