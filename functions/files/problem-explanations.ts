import type { ProblemType } from '../../shared/http/problems.ts';

/**
 * The meaning and the remedy of each problem, in Markdown. The one source of the table in docs/errors.md and of the
 * answers at the addresses of problem types.
 */
export const EXPLANATIONS: Readonly<Record<ProblemType, string>> = {
  'invalid-request':
    'The request is malformed; `detail` names the header, parameter or member. Fix it and retry.',
  'inconsistent-upload-length':
    'The length of the upload differs between `Upload-Length`, an earlier request, and the offset plus `Content-Length` of a request with `Upload-Complete: ?1`. Send the same length each time.',
  'form-invalid':
    'A form (`multipart/form-data`) must contain one part, the file, and no other fields or files. `detail` says what is wrong, such as a missing boundary. Nothing was stored. Send the form with the file only, or the bytes as the body.',
  'digest-mismatch':
    'The received bytes do not match `Repr-Digest` or `Content-Digest`; see `algorithm`, `expected` and `actual`. Nothing was stored. Send the file again.',
  'upload-incomplete':
    'The body was shorter than its `Content-Length`. Nothing was stored. Send the file again.',
  unauthenticated: 'The token is missing or not accepted; `WWW-Authenticate` says which.',
  'insufficient-scope':
    'The token is valid but lacks the required scope. Request one with that scope from its issuer.',
  'upload-final': 'A final upload is complete when it is created. Nothing can be appended.',
  forbidden:
    'You may see the file, but not do this. Only the owner and administrators may change a file; only the owner may share it, and administrators cannot download it.',
  'not-found': 'The file does not exist, or you have no access to it. The answer is the same in both cases.',
  'verdicts-not-signed': 'This deployment has no key to sign [verdicts](verdicts.md).',
  'method-not-allowed': 'The resource does not support the method; `Allow` lists those it does.',
  'upload-offset':
    '`Upload-Offset` does not match the current offset, possibly because another request was faster. Get the offset with `HEAD` and continue from there.',
  'partial-incomplete':
    '`Upload-Concat: final` names a partial upload that is not complete. Get its offset with `HEAD`, and send the rest.',
  'partial-combined':
    'The partial upload is already part of a file, or is being added to one. It can be part of one file only. Repeating the same `Upload-Concat` returns that file.',
  'mismatching-upload-offset':
    'The request does not begin at the current offset, which is in `expected-offset` and `Upload-Offset`. Continue from there.',
  'upload-complete': 'The upload is complete and is now a file, at `/files/{id}`. Nothing can be appended.',
  'not-scanned-yet':
    'The scan has not finished, or the upload is not complete. Poll the status, or retry after `Retry-After`.',
  'idempotency-in-progress':
    'Another upload with the same `Idempotency-Key` has not finished. Nothing of this one was stored. Retry after `Retry-After`.',
  'file-expires':
    'A file with an expiration date cannot be referenced, because the resource would lose it. Remove the expiration date first.',
  'file-referenced':
    'The file is referenced by resources, so it cannot be deleted or given an expiration date. `references` is their number, up to 1000. Remove the references first.',
  'too-many-viewers':
    'The file cannot have more viewers; `viewers` is the current number. Grant access to a group, or revoke other viewers.',
  'file-infected': 'Malware was found; `signature` names it. The file cannot be downloaded.',
  'file-unscannable':
    'ClamAV could not scan the file completely; `reason` is `tooLarge`, `encrypted`, `limitExceeded`, `unsupported` or `malformed`. The file cannot be downloaded.',
  'file-failed':
    'The service could not process the file; `reason` says why. Upload it again as a new file. If `reason` is `gaveUp`, you can also ask for a redrive.',
  'file-expired': 'The upload was never completed. Upload the file again as a new one.',
  'file-deleted': 'The owner or an administrator deleted the file, or it has expired.',
  'precondition-failed':
    '`If-Match` or `If-Unmodified-Since` does not match the current version, which is in `ETag` if there is one. Read the file again before you retry.',
  'tus-version': '`Tus-Resumable` is missing, or its version is not in `Tus-Version`.',
  'too-large': 'The file is larger than `maxBytes`. Nothing was stored.',
  'upload-too-long': 'The upload has more bytes than `Upload-Length` or `Tus-Max-Size` allow.',
  'media-type-not-allowed':
    'This deployment does not accept files of this type, whether declared or detected. Nothing was stored.',
  'media-type-mismatch':
    'The detected type, `found`, contradicts the Content-Type, `declared`. Nothing was stored.',
  'unsupported-encoding': 'The request has a `Content-Encoding`. Send the bytes without it.',
  'upload-content-type':
    'The request needs `Content-Type: application/offset+octet-stream` (tus) or `application/partial-upload`; `detail` says which.',
  'end-not-possible':
    'The end of a grant or a file must be in the future, and at most 100 years ahead. Leave it out for no end.',
  'callback-not-allowed':
    'This deployment does not post to this [callback URL](callbacks.md); `detail` says why. Nothing was stored.',
  'range-not-satisfiable': 'The range is outside of the file; `Content-Range` has its size.',
  'idempotency-key-reused':
    'The same `Idempotency-Key` was used with other bytes, or another Content-Type, file name or callback URL. Use a new key for each upload.',
  'upload-locked':
    'Another request of the same upload is in progress and has replaced this one. After `Retry-After`, get the offset with `HEAD` and continue from there.',
  'too-many-uploads':
    'You have too many uploads in progress; `RateLimit-Policy` has the limit for one owner and instance. Nothing was stored. Retry after `Retry-After`, with fewer at once.',
  'upload-checksum':
    'The bytes of the request do not match `Upload-Checksum`. None were stored. Send them again.',
  'intake-paused':
    'The operators have paused new uploads; `detail` has the reason, and `until` the end of the pause if it is known. Uploads in progress can be completed, and everything else works. Retry after `Retry-After`; `GET /notice` shows when the pause has ended.',
  'wrong-deployment':
    'The buckets belong to another deployment of the service, so this one may not write to them. Its operators are alerted. Nothing was stored. Retry after `Retry-After`.',
  internal: 'An error in the service, which is in its log.',
  unavailable:
    'A system that the service depends on does not answer, or the receipt of a download cannot be written. Retry after `Retry-After`.',
};
