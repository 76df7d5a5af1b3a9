import type { EventMessage } from '../../shared/events/cloud-event.ts';
import { fileEvent } from '../../shared/events/file-event.ts';
import type { ReadableRecord } from '../../shared/files/readable.ts';
import type { Receipt } from '../../shared/files/receipts.ts';
import { principalKey } from '../../shared/identity/principal.ts';

/**
 * Somebody has begun to download a file for the first time. Its id is a function of file and principal: after a crash it may be
 * published again, with a later time.
 */
export function fileDownloaded(record: ReadableRecord, { principal, at }: Receipt): EventMessage {
  return fileEvent(record, {
    name: 'file.downloaded.v1',
    id: `${record.id}/downloaded/${principalKey(principal)}`,
    time: new Date(at),
    facts: { downloadedBy: principal, downloadedAt: at },
  });
}
