import type { EventMessage } from '../../shared/events/cloud-event.ts';
import { fileEvent } from '../../shared/events/file-event.ts';
import type { DeletedRecord } from '../../shared/files/record.ts';

/**
 * A file was deleted: by its owner, at its end, or for lack of references. The event id is derived from file and time,
 * so duplicates can be recognised.
 */
export function fileDeleted(record: DeletedRecord): EventMessage {
  const deletedAt = record.deletedAt.toISOString();
  return fileEvent(record, {
    name: 'file.deleted.v1',
    id: `${record.id}/deleted/${deletedAt}`,
    time: record.deletedAt,
    facts: { deletedAt },
  });
}
