import type { DeletedRecord, FileRecord } from './record.ts';

/** The record of a file that is taken back. Its content stays named, for who releases it. */
export function toDeleted(record: FileRecord, deletedAt: Date): DeletedRecord {
  return { ...withoutOutcome(record), state: 'deleted', deletedAt };
}

/** What a file is in any state. That a failure was announced says nothing of a deletion. */
function withoutOutcome(record: FileRecord) {
  switch (record.state) {
    case 'pending': {
      const { lease: _, redriven: __, ...stored } = record;
      return stored;
    }
    case 'clean': {
      const { scan: _, ...stored } = record;
      return stored;
    }
    case 'infected': {
      const { scan: _, signature: __, ...stored } = record;
      return stored;
    }
    case 'unscannable': {
      const { scan: _, reason: __, detail: ___, accepted: ____, ...stored } = record;
      return stored;
    }
    case 'failed': {
      const { failure: _, failedAt: __, announced: ___, ...stored } = record;
      return stored;
    }
    case 'expired':
      return record;
    case 'deleted': {
      const { announced: _, ...stored } = record;
      return stored;
    }
  }
}
