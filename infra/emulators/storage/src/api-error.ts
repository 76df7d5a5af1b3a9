import type { Answer } from './answer.ts';

/** The part of a request that an error body names. */
interface ErrorLocation {
  readonly locationType: 'parameter' | 'header' | 'body';
  readonly location: string;
}

/** A request that Cloud Storage refuses: its HTTP status and the `reason` that its error body names. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly where: ErrorLocation | undefined;

  constructor(
    status: number,
    reason: string,
    message: string,
    headers: Record<string, string> = {},
    where?: ErrorLocation,
  ) {
    super(message);
    this.where = where;
    this.status = status;
    this.reason = reason;
    this.headers = headers;
  }
}

export const invalid = (message: string): ApiError => new ApiError(400, 'invalid', message);
export const required = (message: string): ApiError => new ApiError(400, 'required', message);
export const notFound = (message: string): ApiError => new ApiError(404, 'notFound', message);
export const conflict = (message: string): ApiError => new ApiError(409, 'conflict', message);

/** Source: https://cloud.google.com/storage/docs/json_api/v1/status-codes */
const domainOf = (status: number): string => (status === 429 ? 'usageLimits' : 'global');

/**
 * Google's error body. Media requests get the bare message as text, as the real service gives it.
 * Source: Cloud Storage JSON API, "HTTP status and error codes".
 */
export function errorAnswer(error: ApiError, media: boolean): Answer {
  const { status, reason, message, where } = error;
  if (status === 304) return { status, headers: {} };
  const headers: Record<string, string> = {
    'content-type': media ? 'text/html; charset=UTF-8' : 'application/json; charset=UTF-8',
    ...error.headers,
  };
  const body = media
    ? message
    : JSON.stringify({
        error: { code: status, message, errors: [{ message, domain: domainOf(status), reason, ...where }] },
      });
  return { status, headers, body };
}
