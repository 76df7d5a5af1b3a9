import type { EventMessage } from '../../shared/events/cloud-event.ts';
import { fileEvent } from '../../shared/events/file-event.ts';
import { noticeOf } from '../../shared/files/ends.ts';
import type { FileRecord } from '../../shared/files/record.ts';

/** A file will reach its end soon. The event id is derived from file and end: a new end is a new event. */
export function fileExpiring(record: FileRecord, end: Date): EventMessage {
  const expiresAt = end.toISOString();
  return fileEvent(record, {
    name: 'file.expiring.v1',
    id: `${record.id}/expiring/${expiresAt}`,
    time: noticeOf(end),
    facts: { expiresAt },
  });
}
