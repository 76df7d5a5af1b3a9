import type { FileId } from './file-id.ts';

/**
 * The address of a file for clients. The upload and the files function may have separate host names, so that
 * only an absolute URL leads from one to the other.
 * @param filesUrl where clients reach the files function; without it, both have one host name and a path suffices
 */
export function fileUrl(filesUrl: string | undefined, id: FileId): string {
  return `${filesUrl ?? ''}/files/${id}`;
}
