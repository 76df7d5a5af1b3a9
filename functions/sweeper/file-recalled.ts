import type { EventMessage } from '../../shared/events/cloud-event.ts';
import { fileEvent } from '../../shared/events/file-event.ts';
import type { Receipt } from '../../shared/files/receipts.ts';
import type { InfectedRecord } from '../../shared/files/record.ts';
import { isLive } from '../../shared/identity/caller.ts';
import { shownEngine } from '../../shared/scanning/engine.ts';

/** Those whom a recall concerns, beside owner and viewers. */
export interface Concerned {
  /** URIs of resources that refer to the file. */
  readonly references: readonly string[];
  readonly receipts: readonly Receipt[];
  readonly moreReceipts: boolean;
}

/**
 * A clean file became infected: a later scan of its content found malware. The event id is derived from file and
 * finding.
 */
export function fileRecalled(
  record: InfectedRecord,
  recalledAt: Date,
  { references, receipts, moreReceipts }: Concerned,
): EventMessage {
  const { id, signature, scan, viewers } = record;
  return fileEvent(record, {
    name: 'file.recalled.v1',
    id: `${id}/recalled/${scan.scannedAt.toISOString()}`,
    time: recalledAt,
    facts: {
      signature,
      viewers: viewers.filter((viewer) => isLive(viewer, recalledAt)).map(({ principal }) => principal),
      references,
      receipts,
      ...(moreReceipts && { moreReceipts }),
      scannedAt: scan.scannedAt.toISOString(),
      recalledAt: recalledAt.toISOString(),
      ...(scan.engine && { engine: shownEngine(scan.engine) }),
    },
  });
}
