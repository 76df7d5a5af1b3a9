import type { Publish } from '../../shared/events/publisher.ts';
import { verdictChanged } from '../../shared/events/verdictChanged.ts';
import type { Blobs, CondemnedBlob } from '../../shared/files/blobs.ts';
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
  sha256: Sha256,
  signature: string,
  { scannedAt, engine }: Scan,
): Promise<void> {
  const { blobs } = condemner;
  // Without an engine nothing was scanned: the blob itself gave the verdict, and is condemned already.
  const blob = engine
    ? await blobs.condemn(sha256, { signature, scannedAt, engine })
    : await blobs.find(sha256);
  if (blob && 'signature' in blob) await announceCondemned(condemner, sha256, blob);
}

/** Says that a content which was handed out as clean is malware, where nobody has said it yet: at least once. */
export async function announceCondemned(
  { blobs, publish }: Condemner,
  sha256: Sha256,
  blob: CondemnedBlob,
): Promise<void> {
  if (!blob.unannounced) return;
  await publish(verdictChanged(sha256, blob.unannounced));
  await blobs.noteAnnounced(blob);
}
