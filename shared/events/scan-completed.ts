import type { DecidedRecord } from '../files/record.ts';
import { shownEngine } from '../scanning/engine.ts';
import { callbackAttribute } from './callback-attribute.ts';
import { cloudEvent, type EventMessage } from './cloud-event.ts';

/**
 * A verdict. Its id is a function of file and generation, so that a repeat is known as one. It carries no file
 * name.
 */
export function scanCompleted(record: DecidedRecord): EventMessage {
  const { id, owner, state, scan, content } = record;
  return cloudEvent({
    name: 'scan.completed.v1',
    id: `${id}/${scan.generation}`,
    subject: id,
    time: scan.scannedAt,
    data: {
      fileId: id,
      verdict: state,
      ...(state === 'infected' && { signature: record.signature }),
      ...(state === 'unscannable' && {
        reason: record.reason,
        detail: record.detail,
        accepted: record.accepted,
      }),
      owner,
      contentType: record.contentType,
      ...(content && { size: content.size, sha256: content.sha256 }),
      createdAt: record.createdAt.toISOString(),
      scannedAt: scan.scannedAt.toISOString(),
      ...(scan.engine && { engine: shownEngine(scan.engine) }),
      ...(scan.coverage && { coverage: scan.coverage }),
    },
    filterable: { verdict: state, owner, ...callbackAttribute(record) },
  });
}
