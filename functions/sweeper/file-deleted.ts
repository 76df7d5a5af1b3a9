import { callbackAttribute } from '../../shared/events/callback-attribute.ts';
import { cloudEvent, type EventMessage } from '../../shared/events/cloud-event.ts';
import type { DeletedRecord } from '../../shared/files/record.ts';

/**
 * A file is gone: its owner took it back, or nothing referred to it any more. Its id is a function of file and time:
 * a repeat is known as one.
 */
export function fileDeleted(record: DeletedRecord): EventMessage {
  const { id, owner, state, content } = record;
  const deletedAt = record.deletedAt.toISOString();
  return cloudEvent({
    name: 'file.deleted.v1',
    id: `${id}/deleted/${deletedAt}`,
    subject: id,
    time: record.deletedAt,
    data: {
      fileId: id,
      verdict: state,
      owner,
      ...(content && { size: content.size, sha256: content.sha256 }),
      createdAt: record.createdAt.toISOString(),
      deletedAt,
    },
    filterable: { verdict: state, owner, ...callbackAttribute(record) },
  });
}
