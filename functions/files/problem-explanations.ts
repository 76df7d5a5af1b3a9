import type { ProblemType } from '../../shared/http/problems.ts';

/**
 * The meaning and the remedy of each problem, in Markdown. The one source of the table in docs/errors.md and of the
 * answers at the addresses of problem types.
 */
export const EXPLANATIONS: Readonly<Record<ProblemType, string>> = {
  'invalid-request': 'A header is not what it should be; `detail` names it. Fix the header and retry.',
  'inconsistent-upload-length':
    '`Upload-Length`, the offset and `Content-Length` of a request with `Upload-Complete: ?1`, and what earlier requests announced are not one length.',
  'form-invalid':
    'A form, `multipart/form-data`, is taken with one part, the file, and nothing else: no field, no second file. `detail` says what is wrong with it, such as a boundary that does not occur or a missing end. Nothing was kept. Put the file alone in the form, or send its bytes as the body.',
  'digest-mismatch':
    '`Repr-Digest` or `Content-Digest` is not that of the bytes that arrived; `algorithm`, `expected` and `actual` say how. Nothing was kept. Send it again.',
  'upload-incomplete': 'The body ended before its length said so. Nothing was kept. Send it again.',
  unauthenticated: 'No token, or one that this service does not accept; `WWW-Authenticate` says which.',
  'insufficient-scope': 'The token is good but lacks the scope. Ask its issuer for one that carries it.',
  'upload-final': 'A final upload is complete from the beginning: nothing can be added to it.',
  forbidden:
    'You may see the file, but only its owner may do this, or an administrator: viewers and administrators do not share files, administrators read no bytes.',
  'not-found': 'No such file for you. The same for a file of others as for an id that never was.',
  'verdicts-not-signed': 'This deployment has no key to sign [verdicts](verdicts.md) with.',
  'method-not-allowed': '`Allow` lists what the resource supports.',
  'upload-offset':
    'The upload stands at another `Upload-Offset` than the request began with, perhaps because another request was faster. Ask with `HEAD` and go on from there.',
  'partial-incomplete':
    '`Upload-Concat: final` names a partial upload whose bytes are not all there. Ask it with `HEAD`, and send the rest.',
  'partial-combined':
    'A file was made of the partial upload already, or is about to be. Each becomes a part of one file; the same `Upload-Concat` again answers with that file.',
  'mismatching-upload-offset':
    'A request of a resumable upload does not begin where the upload stands: `expected-offset` and `Upload-Offset` say where. Go on from there.',
  'upload-complete': 'Nothing can be added to a complete upload: it is a file now, see `/files/{id}`.',
  'not-scanned-yet':
    'The scan has not ended, or the upload is not complete. Poll the status, or try again after `Retry-After`.',
  'idempotency-in-progress':
    'Another upload with the same `Idempotency-Key` has not ended yet. Nothing of this one was kept. Send it again after `Retry-After`.',
  'file-expires':
    'The file has an end, so no resource may refer to it: the resource would lose it then. Remove the end first.',
  'file-referenced':
    'Resources refer to the file, so it is not deleted and gets no end; `references` says how many (1000 stands for that or more). Remove the references first.',
  'too-many-viewers':
    'There is no room for another viewer; `viewers` says how many there are. Name a group instead, or revoke some.',
  'file-infected': 'Malware was found; `signature` names it. The file is never handed out.',
  'file-unscannable':
    'ClamAV could not look at all of it; `reason` says why: `tooLarge`, `encrypted`, `limitExceeded`, `unsupported` or `malformed`. It is never handed out.',
  'file-failed':
    'The service could not process the file; `reason` says why. Send it again as a new file, or ask for a redrive where `reason` is `gaveUp`.',
  'file-expired': 'The upload was never completed. Send it again as a new file.',
  'file-deleted':
    'Its owner or an administrator deleted it, or it has reached the end that its owner gave it.',
  'precondition-failed':
    '`If-Match` or `If-Unmodified-Since` does not hold; `ETag`, where there is one, tells the present version. Look again, then decide again.',
  'tus-version': '`Tus-Resumable` is absent or names a version that `Tus-Version` does not list.',
  'too-large': 'The body is longer than `maxBytes`. Nothing was kept.',
  'upload-too-long': 'More bytes than `Upload-Length` announced, or than `Tus-Max-Size`.',
  'media-type-not-allowed':
    'The policy of this deployment does not take files of that type, declared or found in the bytes. Nothing was kept.',
  'media-type-mismatch':
    'The bytes are recognised as `found`, which contradicts the Content-Type, `declared`. Nothing was kept.',
  'unsupported-encoding': 'The body has a `Content-Encoding`. Send the bytes as they are.',
  'upload-content-type':
    'Send `Content-Type: application/offset+octet-stream` (tus) or `application/partial-upload`; `detail` says which.',
  'end-not-possible':
    'The end of a grant or a file is not in the future, or more than 100 years ahead. Leave it out for no end.',
  'callback-not-allowed':
    'The [callback URL](callbacks.md) is not one that this deployment posts to; `detail` says why. Nothing was kept.',
  'range-not-satisfiable': '`Content-Range` tells the size of the file.',
  'idempotency-key-reused':
    'The same `Idempotency-Key` was used with other bytes, another Content-Type, file name or callback URL. Use a new key for another upload.',
  'upload-locked':
    'Another request of the same upload is under way, and this one was ended for it. After `Retry-After`, ask for the offset with `HEAD` and continue from there.',
  'too-many-uploads':
    'You have as many uploads under way as the instance that answers takes of one owner; `RateLimit-Policy` says how many. Nothing was kept. Send it again after `Retry-After`, and fewer at once.',
  'upload-checksum':
    'The bytes of the request do not have its `Upload-Checksum`. None was kept: send them again.',
  'intake-paused':
    'The operators take no new uploads for now: `detail` has their reason, and `until` the time from which they are taken again, if that is known. Uploads under way can be completed, and everything else works. Send it again after `Retry-After`; `GET /notice` tells when the pause has ended.',
  'wrong-deployment':
    'The service is set up twice on the same storage, and this is not the one that may write there. Its operators are told. Nothing was kept. Send it again after `Retry-After`.',
  internal: 'A fault of ours; it is in our log.',
  unavailable:
    'Something we depend on does not answer, or no receipt of a download can be written. Try again after `Retry-After`.',
};
