/** A problem document (RFC 9457) of the service: it understood the request, and says no. */
export class FileshareProblem extends Error {
  override readonly name = 'FileshareProblem';
  /** Address that explains the problem, such as `https://fileshare.example.org/problems/not-found`. Compare `code`. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** The cause in this case, for people; may change. */
  readonly detail: string | undefined;
  /** Other members of the document, such as `signature` or `maxBytes`. */
  readonly members: Readonly<Record<string, unknown>>;
  /** Seconds after which the service wants to be asked again. */
  readonly retryAfter: number | undefined;

  constructor(document: ProblemDocument, retryAfter?: number) {
    const { type, title, status, detail, ...members } = document;
    super(detail === undefined ? `${title} (${status})` : `${title}: ${detail} (${status})`);
    this.type = type;
    this.title = title;
    this.status = status;
    this.detail = detail;
    this.members = members;
    this.retryAfter = retryAfter;
  }

  /** The last part of `type`, such as `not-found`: stable. Undefined where the problem is none of the service's own. */
  get code(): string | undefined {
    return codeOf(this.type);
  }
}

/** The name in the type of a problem of the service, which is an address at the deployment or a path. */
export function codeOf(type: string): string | undefined {
  return /^(?:https?:\/\/[^?#]+)?\/problems\/([a-z-]+)$/.exec(type)?.[1];
}

export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string | undefined;
  readonly [member: string]: unknown;
}

/** The service could not be reached, or did not answer in time, as often as it was tried; see `cause`. */
export class FileshareConnectionError extends Error {
  override readonly name = 'FileshareConnectionError';
}

/** The bytes are not those they should be: truncated, or with another digest. They are not to be used. */
export class FileshareIntegrityError extends Error {
  override readonly name = 'FileshareIntegrityError';
}

/** The expected change did not happen in time. It may happen later. */
export class FileshareTimeout extends Error {
  override readonly name = 'FileshareTimeout';
}

function hasCode(error: unknown, code: string): error is FileshareProblem {
  return error instanceof FileshareProblem && error.code === code;
}

/** Whether a download was refused because malware was found; `members.signature` names it. */
export function isInfected(error: unknown): error is FileshareProblem {
  return hasCode(error, 'file-infected');
}

/** Whether a download was refused because the file could not be scanned. */
export function isUnscannable(error: unknown): error is FileshareProblem {
  return hasCode(error, 'file-unscannable');
}

/** Whether a download was refused because the scan has not ended. */
export function isNotScannedYet(error: unknown): error is FileshareProblem {
  return hasCode(error, 'not-scanned-yet');
}

/** Whether an upload was refused because the operators take none for now: `detail` is their reason, `members.until` the end, if it is known. */
export function isIntakePaused(error: unknown): error is FileshareProblem {
  return hasCode(error, 'intake-paused');
}

/** Whether there is no such file for the caller: it never was, or it is not theirs. */
export function isNotFound(error: unknown): error is FileshareProblem {
  return hasCode(error, 'not-found');
}

/** Explains an answer that is no problem document: it usually comes from Cloud Run’s front end. */
const NOT_OF_THE_SERVICE: Readonly<Record<number, string>> = {
  403: 'Not an answer of the service: what is in front of it does not let this caller through.',
  404: 'Not an answer of the service: check its address, or both where upload and files have their own.',
  413: 'Too large for what is in front of the service; Cloud Run takes 32 MiB in one request over HTTP/1.',
  429: 'All instances of the service are busy.',
  500: 'Not an answer of the service, which failed or sent more than what is in front of it passes.',
  504: 'The service took longer than what is in front of it allows.',
};

/** The problem that an answer tells of; whatever else answers in place of the service gets one of `about:blank`. */
export async function problemOf(response: Response): Promise<FileshareProblem> {
  const retryAfter = secondsIn(response.headers.get('retry-after'));
  const { status } = response;
  const blank = { type: 'about:blank', title: response.statusText || `HTTP ${status}`, status };
  const document = await documentIn(response).catch(() => undefined);
  const detail = NOT_OF_THE_SERVICE[status];
  return new FileshareProblem({ ...blank, ...(document ?? (detail && { detail })) }, retryAfter);
}

async function documentIn(response: Response): Promise<Partial<ProblemDocument> | undefined> {
  if (!/^application\/problem\+json\b/i.test(response.headers.get('content-type') ?? '')) {
    await response.body?.cancel();
    return undefined;
  }
  const document: unknown = await response.json();
  if (typeof document !== 'object' || document === null) return undefined;
  const { type, title, status, detail, ...members } = document as Record<string, unknown>;
  return {
    ...members,
    ...(typeof type === 'string' && { type }),
    ...(typeof title === 'string' && { title }),
    ...(typeof status === 'number' && { status }),
    ...(typeof detail === 'string' && { detail }),
  };
}

/** Retry-After in seconds (RFC 9110 section 10.2.3); a date is not what this service sends. */
function secondsIn(text: string | null): number | undefined {
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) : undefined;
}
