import type { DeletedRecord, FileRecord } from './record.ts';

/**
 * The record of a file that is taken back: whose it was and who could see it, not what it was called, because a
 * retention policy may keep it for years. Its content stays named, for who releases it.
 */
export function toDeleted(record: FileRecord, deletedAt: Date): DeletedRecord {
  const { id, owner, viewers, createdAt, contentType, content, unreferencedSince } = record;
  return {
    id,
    owner,
    viewers,
    createdAt,
    contentType,
    ...(content && { content }),
    ...(unreferencedSince && { unreferencedSince }),
    state: 'deleted',
    deletedAt,
  };
}
