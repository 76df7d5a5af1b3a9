import { type Handle, toHandle } from '../../shared/files/handle.ts';
import type { FileRecord } from '../../shared/files/record.ts';
import { type Caller, viewsUntil } from '../../shared/identity/caller.ts';
import type { Files } from './files.ts';
import { ownerOrAdministrator } from './find.ts';

/** The handle as the caller, who sees the file now, may know it. */
export function handleFor(
  caller: Caller,
  record: FileRecord,
  { filesUrl, now }: Pick<Files, 'filesUrl' | 'now'>,
): Handle {
  const at = now();
  const forOwner = ownerOrAdministrator(caller, record, at);
  return toHandle(record, filesUrl, { forOwner, until: viewsUntil(caller, record, at), now: at });
}
