import { defined } from '../runtime/defined.ts';
/**
 * Every problem that the API answers with: one row is its stable name, its status and its title
 * (RFC 9457). functions/files/problem-explanations.ts explains each.
 */
export const PROBLEMS = {
  'invalid-request': { status: 400, title: 'Invalid request' },
  'inconsistent-upload-length': {
    status: 400,
    title: 'Inconsistent upload length',
    uri: 'https://iana.org/assignments/http-problem-types#inconsistent-upload-length',
  },
  'form-invalid': { status: 400, title: 'Form must contain exactly one file' },
  'digest-mismatch': { status: 400, title: 'Digest does not match the content' },
  'upload-incomplete': { status: 400, title: 'Request body ended early' },
  unauthenticated: { status: 401, title: 'Valid bearer token required' },
  'insufficient-scope': { status: 403, title: 'Token lacks the required scope' },
  'upload-final': { status: 403, title: 'Cannot append to a final upload' },
  forbidden: { status: 403, title: 'Not allowed on this file' },
  'not-found': { status: 404, title: 'File not found' },
  'verdicts-not-signed': { status: 404, title: 'Signed verdicts are not enabled' },
  'method-not-allowed': { status: 405, title: 'Method not allowed' },
  'upload-offset': { status: 409, title: 'Upload-Offset does not match the current offset' },
  'partial-incomplete': { status: 409, title: 'Partial upload is not complete' },
  'partial-combined': { status: 409, title: 'Partial upload is already part of a file' },
  'mismatching-upload-offset': {
    status: 409,
    title: 'Upload-Offset does not match the current offset',
    uri: 'https://iana.org/assignments/http-problem-types#mismatching-upload-offset',
  },
  'upload-complete': { status: 409, title: 'Upload is already complete' },
  'not-scanned-yet': { status: 409, title: 'File has not been scanned yet' },
  'idempotency-in-progress': { status: 409, title: 'Upload with the same Idempotency-Key is in progress' },
  'file-expires': { status: 409, title: 'File with an expiration date cannot be referenced' },
  'file-referenced': { status: 409, title: 'File is referenced by other resources' },
  'too-many-viewers': { status: 409, title: 'Too many viewers' },
  'file-infected': { status: 410, title: 'File contains malware' },
  'file-unscannable': { status: 410, title: 'File could not be scanned' },
  'file-failed': { status: 410, title: 'File could not be processed' },
  'file-expired': { status: 410, title: 'Upload was never completed' },
  'file-deleted': { status: 410, title: 'File has been deleted' },
  'precondition-failed': { status: 412, title: 'Precondition failed' },
  'tus-version': { status: 412, title: 'Unsupported tus version' },
  'too-large': { status: 413, title: 'File is too large' },
  'upload-too-long': { status: 413, title: 'Upload exceeds its length' },
  'media-type-not-allowed': { status: 415, title: 'Media type not allowed' },
  'media-type-mismatch': { status: 415, title: 'Content does not match the declared media type' },
  'unsupported-encoding': { status: 415, title: 'Content-Encoding is not supported' },
  'upload-content-type': { status: 415, title: 'Unsupported Content-Type for an upload' },
  'end-not-possible': { status: 422, title: 'Expiration time is not valid' },
  'callback-not-allowed': { status: 422, title: 'Callback URL not allowed' },
  'range-not-satisfiable': { status: 416, title: 'Range not satisfiable' },
  'idempotency-key-reused': { status: 422, title: 'Idempotency-Key was used for another upload' },
  'upload-locked': { status: 423, title: 'Upload is locked by another request' },
  'too-many-uploads': { status: 429, title: 'Too many concurrent uploads' },
  'upload-checksum': { status: 460, title: 'Checksum mismatch' },
  internal: { status: 500, title: 'Internal error' },
  'intake-paused': { status: 503, title: 'New uploads are paused' },
  'wrong-deployment': { status: 503, title: 'Buckets belong to another deployment' },
  unavailable: { status: 503, title: 'Service temporarily unavailable' },
} as const;

export type ProblemType = keyof typeof PROBLEMS;

/**
 * The address at which the files function explains a problem type (ADR 33), or the type that IANA has registered.
 * @param filesUrl where clients reach the files function; without it, the path alone: a relative reference
 */
export function problemUri(type: ProblemType, filesUrl?: string): string {
  const problem = PROBLEMS[type];
  return 'uri' in problem ? problem.uri : `${filesUrl ?? ''}/problems/${type}`;
}

interface ProblemExtras {
  /** The cause in this case, and the remedy; never what another party did. */
  readonly detail?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the document. */
  readonly members?: Readonly<Record<string, unknown>>;
  /** Error behind it, for the log alone. */
  readonly cause?: unknown;
}

/** An answer that is a problem document. Thrown anywhere on the way of a request, sent in one place. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly type: ProblemType;
  readonly extras: ProblemExtras;

  constructor(type: ProblemType, extras: ProblemExtras = {}) {
    super(extras.detail ?? PROBLEMS[type].title, extras.cause === undefined ? {} : { cause: extras.cause });
    this.type = type;
    this.extras = extras;
  }

  get status(): number {
    return PROBLEMS[this.type].status;
  }

  /** @param filesUrl as `problemUri` takes it */
  document(filesUrl?: string): Record<string, unknown> {
    const { detail, members } = this.extras;
    return {
      type: problemUri(this.type, filesUrl),
      title: PROBLEMS[this.type].title,
      status: this.status,
      ...defined({ detail }),
      ...members,
    };
  }
}

/** @param detail the header or member that is wrong, and what it should be */
export function invalidRequest(detail: string): Problem {
  return new Problem('invalid-request', { detail });
}

/** Something that the service depends on does not answer now. */
export function unavailable(detail: string, retryAfterSeconds = 5, cause?: unknown): Problem {
  return new Problem('unavailable', { detail, headers: { 'retry-after': String(retryAfterSeconds) }, cause });
}
