import { type Fields, type Metadata, parseCount, parseTime } from './fields.ts';
import { parseSha256 } from './record.ts';
import type { DirectUpload, TusUpload } from './uploading.ts';

type Keys = Readonly<Record<string, string | undefined>>;

/** What custom metadata says of an upload that is not complete. */
export function uploadFields(upload: TusUpload | DirectUpload): Keys {
  const both = { upload: upload.kind, expiresAt: upload.expiresAt.toISOString() };
  if (upload.kind === 'direct') {
    const { length, session, sha256 } = upload;
    return { ...both, session, length: String(length), claimedSha256: sha256 };
  }
  return {
    ...both,
    length: upload.length === undefined ? undefined : String(upload.length),
    uploadMetadata: upload.metadata,
  };
}

/** @throws {CorruptRecord} */
export function parseUpload(field: Fields): TusUpload | DirectUpload {
  const { metadata } = field;
  const expiresAt = field.parsed('expiresAt', parseTime);
  switch (metadata['upload']) {
    case 'direct':
      return {
        kind: 'direct',
        expiresAt,
        session: field.text('session'),
        length: field.parsed('length', parseCount),
        ...(metadata['claimedSha256'] !== undefined && {
          sha256: field.parsed('claimedSha256', parseSha256),
        }),
      };
    case 'tus':
      return { kind: 'tus', expiresAt, ...parseTus(field, metadata) };
    default:
      return field.corrupt('upload');
  }
}

function parseTus(field: Fields, { length, uploadMetadata }: Metadata) {
  return {
    ...(length !== undefined && { length: field.parsed('length', parseCount) }),
    ...(uploadMetadata !== undefined && { metadata: uploadMetadata }),
  };
}
