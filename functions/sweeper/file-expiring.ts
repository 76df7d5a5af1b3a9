import type { EventMessage } from '../../shared/events/cloud-event.ts';
import { fileEvent } from '../../shared/events/file-event.ts';
import { noticeOf } from '../../shared/files/ends.ts';
import type { FileRecord } from '../../shared/files/record.ts';

/** A file is about to reach its end. Its id is a function of file and end: another end is another event. */
export function fileExpiring(record: FileRecord, end: Date): EventMessage {
  const expiresAt = end.toISOString();
  return fileEvent(record, {
    name: 'file.expiring.v1',
    id: `${record.id}/expiring/${expiresAt}`,
    time: noticeOf(end),
    facts: { expiresAt },
  });
}
