import type { EventMessage } from '../../shared/events/cloud-event.ts';
import { fileEvent } from '../../shared/events/file-event.ts';
import type { CleanRecord, Released } from '../../shared/files/record.ts';

/** A file that was infected is clean: an operator has lifted its finding. Its id is a function of file and release. */
export function fileReleased(record: CleanRecord, { at, reason }: Released): EventMessage {
  const releasedAt = at.toISOString();
  return fileEvent(record, {
    name: 'file.released.v1',
    id: `${record.id}/released/${releasedAt}`,
    time: at,
    facts: { released: { reason, at: releasedAt } },
  });
}
