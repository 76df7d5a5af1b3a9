import { parseFileId } from '../../shared/files/file-id.ts';
import type { Versioned } from '../../shared/files/records.ts';
import { Problem } from '../../shared/http/problems.ts';
import { type Caller, mayAdminister, mayChange, mayView, type Owned } from '../../shared/identity/caller.ts';
import type { Files } from './files.ts';

/** The relation to a file that an operation requires of its caller. */
export type Permission = (caller: Caller, file: Owned, now: Date) => boolean;

export const owner: Permission = mayChange;
export const ownerOrViewer: Permission = mayView;
export const ownerOrAdministrator: Permission = (caller, file) =>
  mayChange(caller, file) || mayAdminister(caller);
export const anyoneWhoSees: Permission = (caller, file, now) =>
  mayView(caller, file, now) || mayAdminister(caller);

/**
 * The record of a file that the caller may see, and may do this with.
 * @throws {Problem} the same 404 for a file of others, for none, and for what is not even an id; 403 only to who
 *   knows that it exists
 */
export async function findFile(
  { records, now }: Pick<Files, 'records' | 'now'>,
  caller: Caller,
  id: string,
  permission: Permission,
  signal: AbortSignal,
): Promise<Versioned> {
  const fileId = parseFileId(id);
  const current = fileId && (await records.get(fileId, signal));
  const at = now();
  if (!current || !anyoneWhoSees(caller, current.record, at)) throw new Problem('not-found');
  if (!permission(caller, current.record, at)) throw new Problem('forbidden');
  return current;
}
