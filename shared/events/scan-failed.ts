import type { FailedRecord } from '../files/record.ts';
import { callbackAttribute } from './callback-attribute.ts';
import { cloudEvent, type EventMessage } from './cloud-event.ts';

/**
 * A file was given up. Its id is a function of file and time of failure: a repeat is known as one, and a second
 * failure after a redrive is another event.
 */
export function scanFailed(record: FailedRecord): EventMessage {
  const { id, owner, state, content } = record;
  const failedAt = record.failedAt.toISOString();
  return cloudEvent({
    name: 'scan.failed.v1',
    id: `${id}/failed/${failedAt}`,
    subject: id,
    time: record.failedAt,
    data: {
      fileId: id,
      verdict: state,
      reason: record.failure,
      owner,
      contentType: record.contentType,
      ...(content && { size: content.size, sha256: content.sha256 }),
      createdAt: record.createdAt.toISOString(),
      failedAt,
    },
    filterable: { verdict: state, owner, ...callbackAttribute(record) },
  });
}
