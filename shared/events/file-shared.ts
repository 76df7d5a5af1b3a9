import type { FileRecord } from '../files/record.ts';
import type { Viewer } from '../identity/caller.ts';
import { principalKey } from '../identity/principal.ts';
import { defined } from '../runtime/defined.ts';
import type { EventMessage } from './cloud-event.ts';
import { fileEvent } from './file-event.ts';

/**
 * A principal got a file. Its id is a function of file, principal and time: a repeat has the same, a grant after a revocation
 * another.
 */
export function fileShared(record: FileRecord, { principal, until }: Viewer, sharedAt: Date): EventMessage {
  const at = sharedAt.toISOString();
  return fileEvent(record, {
    name: 'file.shared.v1',
    id: `${record.id}/shared/${principalKey(principal)}/${at}`,
    time: sharedAt,
    facts: {
      sharedWith: principal,
      sharedAt: at,
      ...defined({ until: until?.toISOString(), expiresAt: record.expiresAt?.toISOString() }),
    },
    attributes: { sharedWith: principal },
  });
}
