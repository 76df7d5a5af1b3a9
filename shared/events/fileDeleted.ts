import type { DeletedRecord } from '../files/record.ts';
import type { EventMessage } from './scanCompleted.ts';

const FILE_DELETED = 'no.nav.hops.fileshare.file.deleted.v1';

/**
 * The CloudEvent of a file that its owner took back, or that nothing referred to any more, in the form of
 * {@link scanCompleted}. Its id is a function of file and time: a repeat is known as one.
 */
export function fileDeleted(record: DeletedRecord): EventMessage {
  const { content } = record;
  const deletedAt = record.deletedAt.toISOString();
  const data = {
    fileId: record.id,
    verdict: record.state,
    owner: record.owner,
    ...(content && { size: content.size, sha256: content.sha256 }),
    createdAt: record.createdAt.toISOString(),
    deletedAt,
  };
  return {
    data: Buffer.from(JSON.stringify(data)),
    attributes: {
      'ce-specversion': '1.0',
      'ce-id': `${record.id}/deleted/${deletedAt}`,
      'ce-source': '/files',
      'ce-type': FILE_DELETED,
      'ce-subject': record.id,
      'ce-time': deletedAt,
      'content-type': 'application/json',
      verdict: record.state,
      owner: record.owner,
    },
  };
}
