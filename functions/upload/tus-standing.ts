import { parseFileId } from '../../shared/files/file-id.ts';
import { tusUploadOf } from '../../shared/files/metadata.ts';
import { readPartial } from '../../shared/files/partial-uploads.ts';
import { isWhole, NO_PARTS, readChain } from '../../shared/files/parts.ts';
import type { FileRecord, TusUpload } from '../../shared/files/record.ts';
import type { Versioned } from '../../shared/files/records.ts';
import { isTus } from '../../shared/files/uploading.ts';
import { Problem } from '../../shared/http/problems.ts';
import { type Caller, mayChange } from '../../shared/identity/caller.ts';
import { StorageError } from '../../shared/storage/error.ts';
import type { Progress } from './append.ts';
import { isOver, type Standing, standing } from './tus-body.ts';
import type { Tus } from './uploads.ts';

/**
 * The upload as a request at this offset continues it. If this process left it there, that is relied on: that it went on elsewhere
 * shows later. If another process did, it goes on from its parts, and whether it is over is looked for while the bytes are sent.
 * @throws {Problem}
 */
export async function current(
  tus: Tus,
  caller: Caller,
  id: string,
  offset: number | undefined,
): Promise<Standing & Pick<Found, 'upload'>> {
  const left = tus.latest.take(id);
  if (left && mayChange(caller, left.record) && left.chain.end === offset)
    return { record: left.record, upload: left.record.upload, progress: left };
  const seenAt = tus.now();
  const fileId = parseFileId(id);
  const [{ record, upload }, chain] = await Promise.all([
    find(tus, caller, id),
    fileId ? readChain(tus.unscanned, fileId) : NO_PARTS,
  ]);
  const goesOn =
    isTus(record) && chain.end === offset && !isWhole(record.upload, chain) && !isOver(record, chain);
  if (goesOn) return { record, upload, progress: { record, chain, seenAt, mayBeOver: true } };
  return { ...(await standing(tus, record)), upload };
}

/**
 * Waits for what a request at `offset` adds, and tells why that was refused where the upload went on without it. Where the upload still
 * is at its offset, it was ended by a successor whose bytes have not arrived yet, or Cloud Storage refused the part for too long.
 * @param elsewhere makes the problem of an upload that is not at this offset any more
 * @throws {Problem}, {StorageError}
 */
export async function unlessOvertaken(
  tus: Tus,
  caller: Caller,
  { id, offset }: { readonly id: string; readonly offset: number },
  adding: Promise<Standing>,
  elsewhere: (now: Standing, live: Progress | undefined) => Problem,
): Promise<Standing> {
  try {
    return await adding;
  } catch (error) {
    if (!(error instanceof Problem && error.type === 'upload-offset')) throw error;
    const now = await standing(tus, (await find(tus, caller, id)).record);
    const live = alive(tus, now);
    if (live?.chain.end !== offset) throw elsewhere(now, live);
    const { cause } = error.extras;
    if (cause instanceof StorageError && cause.transient) throw cause;
    throw locked({ 'upload-offset': String(offset) });
  }
}

/** Clients retry a 423: docs/adr/0015. */
export function locked(headers: Readonly<Record<string, string>> = {}): Problem {
  return new Problem('upload-locked', { headers: { 'retry-after': '1', ...headers } });
}

/** An upload as it was created, and as it stands. */
export interface Found {
  readonly record: FileRecord;
  readonly upload: TusUpload | undefined;
  /** The record of a file; a partial upload has none. */
  readonly current?: Versioned;
}

/** @throws {Problem} the same for an upload of others, for none, and for what is not even an id */
export async function find({ records, unscanned }: Tus, caller: Caller, id: string): Promise<Found> {
  const fileId = parseFileId(id);
  const current = fileId && (await records.get(fileId));
  if (current && mayChange(caller, current.record))
    return { record: current.record, upload: tusUploadOf(current.object.metadata), current };
  const partial = fileId && !current && (await readPartial(unscanned, fileId));
  if (!partial || !mayChange(caller, partial)) throw new Problem('not-found');
  return { record: partial, upload: partial.upload };
}

/**
 * An upload that can be added to; undefined where it is complete. A request that begins in time may end later, by an
 * hour at most: the sweeper waits for longer than that before it expires an upload.
 * @throws {Problem}
 */
export function alive({ now }: Tus, { record, progress }: Standing, begins = true): Progress | undefined {
  if (progress) {
    if (!begins || now() < progress.record.upload.expiresAt) return progress;
    throw new Problem('file-expired');
  }
  if (record.state === 'uploading') throw new Problem('not-found');
  if (record.state === 'expired') throw new Problem('file-expired');
  if (record.state === 'deleted') throw new Problem('file-deleted');
  return undefined;
}
