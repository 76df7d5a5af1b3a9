import type { FailedRecord } from '../files/record.ts';
import type { EventMessage } from './scanCompleted.ts';

const SCAN_FAILED = 'no.nav.hops.fileshare.scan.failed.v1';

/**
 * The CloudEvent of a file that was given up, in the form of {@link scanCompleted}. Its id is a function of file
 * and time of failure: a repeat is known as one, and a second failure after a redrive is another event.
 */
export function scanFailed(record: FailedRecord): EventMessage {
  const { content } = record;
  const failedAt = record.failedAt.toISOString();
  const data = {
    fileId: record.id,
    verdict: record.state,
    reason: record.failure,
    owner: record.owner,
    contentType: record.contentType,
    ...(content && { size: content.size, sha256: content.sha256 }),
    createdAt: record.createdAt.toISOString(),
    failedAt,
  };
  return {
    data: Buffer.from(JSON.stringify(data)),
    attributes: {
      'ce-specversion': '1.0',
      'ce-id': `${record.id}/failed/${failedAt}`,
      'ce-source': '/files',
      'ce-type': SCAN_FAILED,
      'ce-subject': record.id,
      'ce-time': failedAt,
      'content-type': 'application/json',
      verdict: record.state,
      owner: record.owner,
    },
  };
}
