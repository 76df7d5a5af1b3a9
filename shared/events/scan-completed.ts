import type { DecidedRecord } from '../files/record.ts';
import { defined } from '../runtime/defined.ts';
import { shownEngine } from '../scanning/engine.ts';
import type { EventMessage } from './cloud-event.ts';
import { fileEvent } from './file-event.ts';

/** A verdict, at the time of its decision. Its id is a function of file and generation: a repeat is known as one. */
export function scanCompleted(record: DecidedRecord): EventMessage {
  const { id, state, scan, contentType } = record;
  return fileEvent(record, {
    name: 'scan.completed.v1',
    id: `${id}/${scan.generation}`,
    time: scan.reusedAt ?? scan.scannedAt,
    facts: {
      ...(state === 'infected' && { signature: record.signature }),
      ...(state === 'unscannable' && {
        reason: record.reason,
        detail: record.detail,
        accepted: record.accepted,
      }),
      contentType,
      scannedAt: scan.scannedAt.toISOString(),
      ...(scan.reusedAt && { reused: true }),
      ...defined({ engine: scan.engine && shownEngine(scan.engine), coverage: scan.coverage }),
    },
  });
}
