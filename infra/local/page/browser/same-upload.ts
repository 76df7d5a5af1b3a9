import type { Handle } from '../../../../client/src/index.ts';
import type { TrackedFile } from './tracked-file.ts';

// An upload that began before the page was loaded, and one that has no id yet, are recognized by name and size.

/** Whether a file of the listing is an unfinished upload of this content, as far as the page can tell. */
export function isUnfinished({ handle, session }: TrackedFile, { name, size }: File): boolean {
  const waits = handle?.state === 'uploading' && handle.owner === session.principal;
  return waits && handle.fileName === name && handle.upload?.length === size;
}

/** Whether the page sends the upload that the service lists. */
export function isSending({ transfer }: TrackedFile, { state, fileName, upload }: Handle): boolean {
  if (state !== 'uploading' || !transfer || transfer.state.kind === 'sent') return false;
  return transfer.file.name === fileName && transfer.file.size === upload?.length;
}
