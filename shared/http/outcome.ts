import type { Content, FileRecord } from '../files/record.ts';
import { Problem } from './problems.ts';

/** A record whose bytes may be handed out. */
export type ReadableRecord = FileRecord & { readonly content: Content } & (
    | { readonly state: 'clean' }
    | { readonly state: 'unscannable'; readonly accepted: true }
  );

/** @throws {Problem} that says why these bytes are not handed out, or not yet */
export function requireReadable(record: FileRecord): ReadableRecord {
  switch (record.state) {
    case 'clean':
      return record;
    case 'uploading':
      throw new Problem('not-scanned-yet', {
        detail: 'The upload of the file is not complete.',
        headers: { 'retry-after': '1' },
      });
    case 'pending': {
      const detail = 'The file is waiting for its scan. Poll its status.';
      throw new Problem('not-scanned-yet', { detail, headers: { 'retry-after': '1' } });
    }
    case 'infected':
      throw new Problem('file-infected', { members: { signature: record.signature } });
    case 'unscannable':
      if (isAccepted(record)) return record;
      throw new Problem('file-unscannable', { members: { reason: record.reason } });
    case 'failed':
      throw new Problem('file-failed', { members: { reason: record.failure } });
    case 'expired':
      throw new Problem('file-expired');
    case 'deleted':
      throw new Problem('file-deleted');
  }
}

/** By policy, and its content is known. */
function isAccepted(record: FileRecord): record is ReadableRecord & { readonly state: 'unscannable' } {
  return record.state === 'unscannable' && record.accepted && record.content !== undefined;
}
