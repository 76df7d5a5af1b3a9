import type { FileId } from './file-id.ts';

/**
 * The address of a file for clients. The upload and the files function may have separate host names, so that
 * only an absolute URL leads from one to the other.
 * @param filesUrl URL of the files function for clients; without it, both functions share a host name and a path is
 *   enough
 */
export function fileUrl(filesUrl: string | undefined, id: FileId): string {
  return `${filesUrl ?? ''}/files/${id}`;
}
