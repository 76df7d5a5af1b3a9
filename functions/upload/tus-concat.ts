import { type FileId, parseFileId } from '../../shared/files/file-id.ts';
import type { TusUpload } from '../../shared/files/record.ts';
import { invalidRequest, Problem } from '../../shared/http/problems.ts';

/** Upload-Concat of a new upload. */
type Concat =
  | { readonly kind: 'partial' }
  /** The uploads, in the order of their bytes. */
  | { readonly kind: 'final'; readonly uploads: readonly FileId[] };

const FORM = 'Upload-Concat should be partial, or final; and the addresses of partial uploads.';

/**
 * https://tus.io/protocols/resumable-upload#upload-concat: the addresses as this service answered them, with or without the
 * host.
 * @throws {Problem}; `not-found` for an address that cannot be one of an upload
 */
export function parseConcat(text: string | undefined): Concat | undefined {
  if (text === undefined) return undefined;
  if (text === 'partial') return { kind: 'partial' };
  const [, list] = /^final;(.*)$/.exec(text) ?? [];
  const addresses = (list ?? '').split(' ').filter(Boolean);
  if (addresses.length === 0) throw invalidRequest(FORM);
  const uploads = addresses.map(uploadAt);
  if (new Set(uploads).size === uploads.length) return { kind: 'final', uploads };
  throw invalidRequest('Upload-Concat names an upload twice.');
}

function uploadAt(address: string): FileId {
  const { pathname = '' } = URL.parse(address, 'http://service') ?? {};
  const id = parseFileId(/^\/uploads\/([^/]+)\/?$/.exec(pathname)?.[1] ?? '');
  if (id) return id;
  throw new Problem('not-found');
}

/** Nothing can be added to an upload that is made of partial ones. */
export function isFinal(upload: TusUpload | undefined): boolean {
  return upload?.concat?.startsWith('final') ?? false;
}
