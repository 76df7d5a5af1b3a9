/**
 * Every problem that the API answers with: one row is its stable name, its status and its title
 * (RFC 9457). functions/files/problem-explanations.ts explains each.
 */
export const PROBLEMS = {
  'invalid-request': { status: 400, title: 'The request is not valid' },
  'inconsistent-upload-length': {
    status: 400,
    title: 'The lengths that an upload announces differ',
    uri: 'https://iana.org/assignments/http-problem-types#inconsistent-upload-length',
  },
  'form-invalid': { status: 400, title: 'The form does not hold exactly one file' },
  'digest-mismatch': { status: 400, title: 'The bytes that arrived are not those that were announced' },
  'upload-incomplete': { status: 400, title: 'The upload ended before all of its bytes arrived' },
  unauthenticated: { status: 401, title: 'A valid bearer token is needed' },
  'insufficient-scope': { status: 403, title: 'The token does not carry the scope that this needs' },
  'upload-final': { status: 403, title: 'A final upload takes no bytes' },
  forbidden: { status: 403, title: 'You may see the file, but not do this with it' },
  'not-found': { status: 404, title: 'There is no such file for you' },
  'verdicts-not-signed': { status: 404, title: 'This deployment signs no verdicts' },
  'method-not-allowed': { status: 405, title: 'The resource does not support this method' },
  'upload-offset': { status: 409, title: 'The upload stands at another offset' },
  'partial-incomplete': { status: 409, title: 'A partial upload is not complete' },
  'partial-combined': { status: 409, title: 'A partial upload belongs to a file already' },
  'mismatching-upload-offset': {
    status: 409,
    title: 'Upload-Offset does not match the offset of the upload',
    uri: 'https://iana.org/assignments/http-problem-types#mismatching-upload-offset',
  },
  'upload-complete': { status: 409, title: 'The upload is complete' },
  'not-scanned-yet': { status: 409, title: 'The file has not been found clean yet' },
  'idempotency-in-progress': { status: 409, title: 'An upload with the same Idempotency-Key is under way' },
  'file-expires': { status: 409, title: 'The file has an end, so nothing can refer to it' },
  'file-referenced': { status: 409, title: 'Resources refer to the file' },
  'too-many-viewers': { status: 409, title: 'The file cannot have more viewers' },
  'file-infected': { status: 410, title: 'The file is malware and is not handed out' },
  'file-unscannable': { status: 410, title: 'The file could not be scanned and is not handed out' },
  'file-failed': { status: 410, title: 'The file could not be processed and is not handed out' },
  'file-expired': { status: 410, title: 'The upload of the file was never completed' },
  'file-deleted': { status: 410, title: 'The file was deleted' },
  'precondition-failed': { status: 412, title: 'The file is not in the version that the request asks for' },
  'tus-version': { status: 412, title: 'The version of tus is not one that is spoken here' },
  'too-large': { status: 413, title: 'The file is larger than this service takes' },
  'upload-too-long': { status: 413, title: 'The upload would be longer than it may be' },
  'media-type-not-allowed': { status: 415, title: 'This service does not take files of that type' },
  'media-type-mismatch': { status: 415, title: 'The bytes are not of the type that was declared' },
  'unsupported-encoding': { status: 415, title: 'The body must not have a content encoding' },
  'upload-content-type': { status: 415, title: 'The bytes of an upload have another media type' },
  'end-not-possible': { status: 422, title: 'Nothing can end at that time' },
  'callback-not-allowed': { status: 422, title: 'The callback URL is not allowed' },
  'range-not-satisfiable': { status: 416, title: 'The file has no such range' },
  'idempotency-key-reused': { status: 422, title: 'The Idempotency-Key was used for another upload' },
  'upload-locked': { status: 423, title: 'Another request is changing the upload' },
  'too-many-uploads': { status: 429, title: 'Too many uploads at once' },
  'upload-checksum': { status: 460, title: 'The bytes do not have the checksum that they should' },
  internal: { status: 500, title: 'Something went wrong on our side' },
  'intake-paused': { status: 503, title: 'New uploads are paused' },
  'wrong-deployment': { status: 503, title: 'The buckets belong to another deployment' },
  unavailable: { status: 503, title: 'The service cannot answer right now' },
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
      ...(detail !== undefined && { detail }),
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
