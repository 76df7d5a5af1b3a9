import type { EventMessage } from '../../shared/events/cloud-event.ts';
import { fileEvent } from '../../shared/events/file-event.ts';
import type { DeletedRecord } from '../../shared/files/record.ts';

/**
 * A file is gone: its owner took it back, it has reached its end, or nothing referred to it any more. Its id is a function of file and time:
 * a repeat is known as one.
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
