import type { EventMessage } from '../../shared/events/cloud-event.ts';
import { fileEvent } from '../../shared/events/file-event.ts';
import type { InfectedRecord } from '../../shared/files/record.ts';
import { shownEngine } from '../../shared/scanning/engine.ts';

/**
 * A file that was clean is infected: a later scan of its content found malware. Its id is a function of file and finding.
 * @param references URIs of resources that refer to it
 */
export function fileRecalled(
  record: InfectedRecord,
  recalledAt: Date,
  references: readonly string[],
): EventMessage {
  const { id, signature, scan, viewers } = record;
  return fileEvent(record, {
    name: 'file.recalled.v1',
    id: `${id}/recalled/${scan.scannedAt.toISOString()}`,
    time: recalledAt,
    facts: {
      signature,
      viewers,
      references,
      scannedAt: scan.scannedAt.toISOString(),
      recalledAt: recalledAt.toISOString(),
      ...(scan.engine && { engine: shownEngine(scan.engine) }),
    },
  });
}
