import type { FileId } from '../../shared/files/file-id.ts';
import { assemble, isFirst, isWhole, readChain, removeChain } from '../../shared/files/parts.ts';
import { isTus } from '../../shared/files/uploading.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { hasWaited, type SweeperDeps } from './sweeper.ts';

/**
 * Attends one object below the prefix of an upload. Those of an upload that goes on stay, those of a complete one become
 * the object of its file, all others are removed.
 * @throws {StorageError}, {CorruptRecord}: a later sweep finds it again
 */
export async function reconcilePart(
  { unscanned, records, ...sweeper }: SweeperDeps,
  object: StoredObject,
  id: FileId,
): Promise<'part' | 'assembled' | 'dropped'> {
  if (!hasWaited(sweeper, object.timeCreated)) return 'part';
  const record = (await records.get(id))?.record;
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
