import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Session } from '../state/state.ts';

const EXPOSED =
  'Content-Length, Content-Range, Content-Type, Date, ETag, Location, Range, X-Goog-Generation, X-Goog-Hash, X-Goog-Metageneration, X-Goog-Stored-Content-Length, X-GUploader-UploadID';
const JSON_API = /^(?:\/resumable|\/download)?(?:\/upload)?\/storage\/v1\//;

/**
 * Lets pages of other origins read answers as Cloud Storage does for a bucket without a CORS configuration; a bucket with
 * one is refused here. The JSON API answers every origin. The session of a resumable upload answers the origin with which it
 * was opened, wherever its later requests come from. The XML API, which signed URLs use, answers none.
 * Source: https://cloud.google.com/storage/docs/cross-origin
 */
export function allowOrigin(
  request: IncomingMessage,
  response: ServerResponse,
  sessions: ReadonlyMap<string, Session>,
): void {
  const { origin } = request.headers;
  const url = request.url ?? '';
  if (origin === undefined || !JSON_API.test(url)) return;
  const id = new URLSearchParams(url.split('?', 2)[1]).get('upload_id');
  const allowed = id === null ? origin : originOf(sessions.get(id));
  if (allowed === undefined) return;
  response.setHeader('access-control-allow-origin', allowed);
  response.setHeader('access-control-expose-headers', EXPOSED);
  response.setHeader('vary', 'Origin');
}

function originOf(session: Session | undefined): string | undefined {
  if (session?.state === 'open') return session.start.origin;
  return session?.state === 'completed' ? session.origin : undefined;
}

/** Answers a preflight request. */
export function answerPreflight(request: IncomingMessage, response: ServerResponse): void {
  const asked = request.headers['access-control-request-headers'];
  response.writeHead(204, {
    'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
    'access-control-allow-headers': asked ?? 'Content-Type, Content-Range, Authorization',
    'access-control-max-age': '3600',
  });
  response.end();
}
