import type { EventMessage } from '../../shared/events/cloud-event.ts';
import { fileEvent } from '../../shared/events/file-event.ts';
import type { CleanRecord, Released } from '../../shared/files/record.ts';

/** An infected file became clean: an operator released its finding. The event id is derived from file and release. */
export function fileReleased(record: CleanRecord, { at, reason }: Released): EventMessage {
  const releasedAt = at.toISOString();
  return fileEvent(record, {
    name: 'file.released.v1',
    id: `${record.id}/released/${releasedAt}`,
    time: at,
    facts: { released: { reason, at: releasedAt } },
  });
}
