import type { Publish } from '../../shared/events/publisher.ts';
import { type Finding, verdictChanged } from '../../shared/events/verdictChanged.ts';
import type { CondemnedBlob } from '../../shared/files/blob.ts';
import type { Blobs, BlobUse } from '../../shared/files/blobs.ts';
import type { Scan, Sha256 } from '../../shared/files/record.ts';

export interface Condemner {
  readonly blobs: Blobs;
  readonly publish: Publish;
}

/**
 * The content of a file is malware. It may have been found clean by older signatures, and be handed out now: that
 * ends first, and then the event says so. All this before the record of the file is written: until then a crash
 * brings its event back, and with it whoever finds the blob condemned and not announced.
 * @throws {StorageError} and what `publish` throws
 */
export async function condemn(
  condemner: Condemner,
  file: BlobUse,
  signature: string,
  { scannedAt, engine }: Scan,
): Promise<void> {
  const { blobs } = condemner;
  // Without an engine nothing was scanned: a blob that is condemned gave the verdict.
  const finding = engine ? { signature, scannedAt, engine } : await earlierFinding(blobs, file);
  if (!finding) return;
  for (const blob of await blobs.condemn(file, finding)) {
    await announceCondemned(condemner, file.content.sha256, blob);
  }
}

async function earlierFinding(blobs: Blobs, file: BlobUse): Promise<Finding | undefined> {
  const blob = await blobs.findShared(file);
  return blob && 'signature' in blob ? blob.finding : undefined;
}

/** Says that a content which was handed out as clean is malware, where nobody has said it yet: at least once. */
export async function announceCondemned(
  { blobs, publish }: Condemner,
  sha256: Sha256,
  blob: CondemnedBlob,
): Promise<void> {
  if (blob.announced || !blob.finding) return;
  await publish(verdictChanged(sha256, blob.finding));
  await blobs.noteAnnounced(blob);
}
