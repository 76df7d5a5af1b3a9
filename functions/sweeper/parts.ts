import type { FileId } from '../../shared/files/fileId.ts';
import { assemble } from '../../shared/files/parts.ts';
import { isTus } from '../../shared/files/uploading.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { hasWaited, type Sweeper } from './sweeper.ts';

/**
 * What is to be done about one part. Those of a complete file become its object, those that nobody names are
 * removed; a part that was written just now is named a moment later, so they are given time.
 * @throws {StorageError}, {CorruptRecord}: a later sweep finds it again
 */
export async function attendPart(
  sweeper: Sweeper,
  object: StoredObject,
  { id, part }: { id: FileId; part: string },
): Promise<'part' | 'assembled' | 'dropped'> {
  if (!hasWaited(sweeper, object.timeCreated)) return 'part';
  const record = (await sweeper.records.get(id))?.record;
  if (record?.state === 'pending' && record.parts) {
    await assemble(sweeper, record);
    return 'assembled';
  }
  if (record && isTus(record)) {
    const age = sweeper.now().getTime() - object.timeCreated.getTime();
    if (record.upload.parts.includes(part) || age < sweeper.abandonedAfterMs) return 'part';
  }
  await sweeper.unscanned.delete(object.name, object);
  return 'dropped';
}
