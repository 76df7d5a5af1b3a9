import { type FileId, parseFileId } from '../../shared/files/file-id.ts';
import { finalOf, readPartial } from '../../shared/files/partial-uploads.ts';
import {
  assemble,
  isFirst,
  isWhole,
  objectOf,
  partialName,
  readChain,
  removeChain,
  removeParts,
} from '../../shared/files/parts.ts';
import { isWrittenOver } from '../../shared/files/records.ts';
import { isTus, type TusRecord } from '../../shared/files/uploading.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { hasWaited, type SweeperDeps } from './sweeper.ts';

/**
 * Attends one object below the prefix of an upload. Those of an upload that goes on stay, those of a complete one become
 * the object of its file, all others are removed.
 * @throws {StorageError}, {CorruptRecord}: a later sweep finds it again
 */
export async function reconcilePart(
  deps: SweeperDeps,
  object: StoredObject,
  id: FileId,
): Promise<'part' | 'assembled' | 'dropped'> {
  const { unscanned, records, ...sweeper } = deps;
  if (!hasWaited(sweeper, object.timeCreated)) return 'part';
  const current = await records.get(id);
  const record = current?.record;
  const partial = record ? undefined : await readPartial(unscanned, id);
  if (partial) return object.name === partialName(id) ? reconcilePartial(deps, partial) : 'part';
  if (current && record?.state === 'deleted' && !isWrittenOver(current)) return 'part';
  if (!record || !isTus(record)) {
    await unscanned.delete(object.name, object);
    return 'dropped';
  }
  if (!isFirst(object.name)) return 'part';
  const chain = await readChain(unscanned, id);
  if (!isWhole(record.upload, chain)) return 'part';
  if (await assemble(unscanned, id, chain)) await removeChain(unscanned, id, chain);
  return 'assembled';
}

/** A partial upload stays until it expires, is ended, or the object of its file is made. */
async function reconcilePartial(deps: SweeperDeps, { id, upload }: TusRecord): Promise<'part' | 'dropped'> {
  const isExpired = deps.now().getTime() >= upload.expiresAt.getTime() + deps.abandonedAfterMs;
  if (!isExpired && !(await isSpent(deps, id))) return 'part';
  await removeParts(deps.unscanned, id);
  return 'dropped';
}

async function isSpent({ unscanned, records }: SweeperDeps, id: FileId): Promise<boolean> {
  const { final } = await readChain(unscanned, id);
  if (!final) return false;
  const named = finalOf(final);
  const file = named === undefined ? undefined : parseFileId(named);
  if (!file) return true;
  // The object is looked for before the record, which outlasts it.
  if (await objectOf(unscanned, file)) return true;
  const current = await records.get(file);
  return current !== undefined && !isTus(current.record);
}
