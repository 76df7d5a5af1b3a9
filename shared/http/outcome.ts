import { hasExpired } from '../files/ends.ts';
import { isReadable, type ReadableRecord } from '../files/readable.ts';
import type { FileRecord } from '../files/record.ts';
import { Problem } from './problems.ts';

/** @throws {Problem} that says why these bytes are not handed out, or not yet */
export function requireReadable(record: FileRecord): ReadableRecord {
  if (isReadable(record)) return record;
  switch (record.state) {
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
      throw new Problem('file-unscannable', { members: { reason: record.reason } });
    case 'failed':
      throw new Problem('file-failed', { members: { reason: record.failure } });
    case 'expired':
      throw new Problem('file-expired');
    case 'deleted':
      throw new Problem(
        'file-deleted',
        hasExpired(record) ? { detail: 'The file has reached its end.' } : {},
      );
  }
}
