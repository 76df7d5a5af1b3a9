import { ApiError } from '../api-error.ts';
import type { Call } from './call.ts';

const WEEK_SECONDS = 604_800;

/**
 * Whether a V4 signed URL is complete and has not expired. Its signature is not checked: the emulator knows no
 * service account. Source: Cloud Storage, "Signed URLs".
 * @param now milliseconds since 1970
 * @throws ApiError 400 | 403
 */
export function checkSignedUrl(query: URLSearchParams, now: number): void {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(query.get('X-Goog-Date') ?? '') ?? [];
  const signedAt = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  const seconds = Number(query.get('X-Goog-Expires') ?? Number.NaN);
  const complete =
    query.get('X-Goog-Algorithm') === 'GOOG4-RSA-SHA256' &&
    /^[^/]+\/\d{8}\/[^/]+\/storage\/goog4_request$/.test(query.get('X-Goog-Credential') ?? '') &&
    query.get('X-Goog-SignedHeaders') === 'host' &&
    /^[0-9a-f]+$/.test(query.get('X-Goog-Signature') ?? '') &&
    !Number.isNaN(signedAt) &&
    seconds >= 1 &&
    seconds <= WEEK_SECONDS;
  if (!complete) throw new ApiError(403, 'AccessDenied', 'Access denied.');
  if (now > signedAt + seconds * 1000) {
    throw new ApiError(400, 'ExpiredToken', 'The provided token has expired.');
  }
}

/** Response headers that a signed URL sets. */
export function overriddenHeaders({ route, query }: Call): Record<string, string> {
  if (!route.signed) return {};
  const names = ['content-type', 'content-disposition'] as const;
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = query.get(`response-${name}`);
      return value === null ? [] : [[name, value]];
    }),
  );
}
