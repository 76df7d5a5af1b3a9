import type { FailedRecord } from '../files/record.ts';
import type { EventMessage } from './cloud-event.ts';
import { fileEvent } from './file-event.ts';

/**
 * A file was given up. Its id is a function of file and time of failure: a repeat is known as one, and a second
 * failure after a redrive is another event.
 */
export function scanFailed(record: FailedRecord): EventMessage {
  const failedAt = record.failedAt.toISOString();
  return fileEvent(record, {
    name: 'scan.failed.v1',
    id: `${record.id}/failed/${failedAt}`,
    time: record.failedAt,
    facts: { reason: record.failure, contentType: record.contentType, failedAt },
  });
}
