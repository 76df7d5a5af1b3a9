import { codeOf } from '../../errors.ts';
import { NotHeld } from './not-held.ts';

/** An answer, read whole. */
export interface Answer {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

const SHOWN_CHARACTERS = 120;
const LOG =
  'The log of the function says why, with severity ERROR at this time. A StorageError 403 there is a missing grant: terraform/iam.tf has them all, and a new one takes minutes to hold.';

/** @throws {NotHeld} where the status is none of `statuses` */
export function requireStatus(answer: Answer, ...statuses: readonly number[]): Answer {
  if (statuses.includes(answer.status)) return answer;
  throw new NotHeld(`${statuses.join(' or ')} for ${requestOf(answer)}`, shown(answer), hintOf(answer));
}

/** @throws {NotHeld} where it is not the problem document of that code */
export function requireProblem(answer: Answer, status: number, code: string): Answer {
  requireStatus(answer, status);
  if (problemOf(answer)?.code === code) return answer;
  throw new NotHeld(`${status} ${code} for ${requestOf(answer)}`, shown(answer), hintOf(answer));
}

/** @throws {NotHeld} where it is no JSON */
export function jsonOf<T>(answer: Answer): T {
  try {
    return JSON.parse(answer.body.toString()) as T;
  } catch {
    throw new NotHeld(`JSON for ${requestOf(answer)}`, shown(answer), hintOf(answer));
  }
}

interface Problem {
  readonly code: string;
  readonly title?: string;
  readonly detail?: string;
}

/** The problem document of the service; undefined where something else has answered. */
export function problemOf({ headers, body }: Answer): Problem | undefined {
  if (!isProblem(headers)) return undefined;
  try {
    const { type, title, detail } = JSON.parse(body.toString()) as Record<string, string>;
    const code = codeOf(type ?? '');
    return code === undefined ? undefined : { code, ...(title && { title }), ...(detail && { detail }) };
  } catch {
    return undefined;
  }
}

function isProblem(headers: Headers): boolean {
  return /^application\/problem\+json\b/i.test(headers.get('content-type') ?? '');
}

/** URL without the query, which may be a secret. */
function requestOf({ method, url }: Answer): string {
  return `${method} ${url.replace(/\?.*$/, '')}`;
}

function shown(answer: Answer): string {
  const { status, headers, body } = answer;
  const problem = problemOf(answer);
  if (problem)
    return [status, problem.code, problem.detail && `(${problem.detail})`].filter(Boolean).join(' ');
  if (body.length === 0) return answer.method === 'HEAD' ? `${status}` : `${status} with an empty body`;
  const type = headers.get('content-type') ?? 'no Content-Type';
  if (!/^(text|application\/(\w+\+)?json)/.test(type))
    return `${status} with ${body.length} bytes of ${type}`;
  const text = body
    .toString()
    .replace(/<[^>]*>/g, ' ')
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim();
  return `${status} ${type}: ${text.slice(0, SHOWN_CHARACTERS)}`;
}

/** Explains an answer that is not the service's, or not as it should be. */
function hintOf(answer: Answer): string | undefined {
  const { status, headers, body, method } = answer;
  const problem = problemOf(answer);
  if (status === 429) {
    return 'Cloud Run has no instance left for the request: raise max_instances or concurrency of this function (Terraform variables upload and files).';
  }
  if (!problem) {
    if (method === 'HEAD' && isProblem(headers)) return status >= 500 ? LOG : undefined;
    return platformHint(status, method, body.length);
  }
  switch (problem.code) {
    case 'unauthenticated':
      return `TOKEN_ISSUERS has to name the issuer and the audience of the token (docs/identity.md). ${headers.get('www-authenticate') ?? ''}`.trim();
    case 'insufficient-scope':
      return 'The token needs the scopes to read and to write, by the names that TOKEN_ISSUERS gives them (docs/identity.md).';
    case 'internal':
    case 'unavailable':
      return LOG;
    case 'method-not-allowed':
    case 'not-found':
      return /host name of their own|Files are read at/.test(problem.detail ?? '')
        ? 'The addresses of upload and files are mixed up, or only one was given.'
        : undefined;
    default:
      return undefined;
  }
}

function platformHint(status: number, method: string, length: number): string | undefined {
  if (status === 500 && length === 0 && method === 'GET') {
    return 'An empty 500 is the answer of Cloud Run where a function sends more than 32 MiB with a Content-Length (https://cloud.google.com/run/quotas). Deploy a newer files function, or set files.redirect_above_bytes.';
  }
  if (status === 413)
    return 'Something in front takes no request of this size: Cloud Run ends at 32 MiB over HTTP/1.';
  if (status === 401 || status === 403) {
    return 'The answer is not that of the function: Cloud Run lets the caller not through. Grant run.invoker (api_invokers), or set invoker_iam_disabled where allUsers is forbidden (docs/deploy.md).';
  }
  if (status === 404)
    return 'The answer is not that of the service: check the address, and the paths of what is in front.';
  if (status >= 500)
    return 'The answer is not that of the function: it did not start, crashed, or was too slow. See its log.';
  return undefined;
}
