import type { RefusedHeaders } from '../../../shared/http/refuse-headers.ts';

const RESUMABLE =
  'It is of resumable uploads: send Upload-Complete with it, or create the upload at /uploads.';

const UNCONDITIONALLY = 'Send it without a condition.';

/** Refused in every request that sends bytes: they would be stored though a condition was not checked, or as other bytes of the file. */
export const IN_EVERY_WAY: RefusedHeaders = {
  'Content-Range': 'Send the parts of a file to a resumable upload, with Upload-Offset.',
  'If-Match': UNCONDITIONALLY,
  'If-None-Match': UNCONDITIONALLY,
  'If-Unmodified-Since': UNCONDITIONALLY,
};

/** Refused in a `POST /files` without Upload-Complete: its body might be a part of a file, and would be stored as the whole. */
export const WITHOUT_UPLOAD_COMPLETE: RefusedHeaders = {
  'Upload-Length': RESUMABLE,
  'Upload-Defer-Length': RESUMABLE,
  'Upload-Offset': RESUMABLE,
  'Upload-Metadata': RESUMABLE,
  'Upload-Concat': RESUMABLE,
  'Upload-Checksum': RESUMABLE,
  'Upload-Incomplete': 'Send Upload-Complete.',
};

/** Headers that describe a file in `POST /files`. */
function described(to: (name: string) => string): RefusedHeaders {
  return {
    'Content-Disposition': to('filename'),
    'Correlation-Id': to('correlationId'),
    'Expires-At': to('expiresAt'),
    'Callback-Url': to('callbackUrl'),
  };
}

export const AT_CREATION: RefusedHeaders = {
  ...described((key) => `Send ${key} in Upload-Metadata.`),
  'Idempotency-Key': 'After a lost answer, create another upload: one that is not completed expires.',
};

export const AT_DIRECT: RefusedHeaders = {
  ...IN_EVERY_WAY,
  ...described((key) => `Send ${key === 'filename' ? 'fileName' : key} in the order.`),
  'Idempotency-Key': 'After a lost answer, send another order: one that is not used expires.',
  'Repr-Digest': 'Send sha256 in the order.',
};

/** Refused with the bytes of a tus upload. */
export const WITH_BYTES: RefusedHeaders = { ...IN_EVERY_WAY, 'Content-Digest': 'Send Upload-Checksum.' };

/** Refused where the bytes are not the whole file. */
export const OF_A_PART: RefusedHeaders = {
  'Repr-Digest': 'Send it with the creation of the upload that becomes the file.',
};

export const AT_DELETION: RefusedHeaders = {
  'If-Match': 'Send DELETE /files/{id}.',
  'If-None-Match': UNCONDITIONALLY,
  'If-Unmodified-Since': UNCONDITIONALLY,
};
