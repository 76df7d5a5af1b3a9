import type { IncomingMessage, ServerResponse } from 'node:http';

const EXPOSED =
  'Content-Length, Content-Range, Content-Type, Date, ETag, Location, Range, X-Goog-Generation, X-Goog-Hash, X-Goog-Metageneration, X-Goog-Stored-Content-Length, X-GUploader-UploadID';

/** Lets every origin in: a browser uploads straight to a session, and buckets here have no CORS setup. */
export function allowOrigin(request: IncomingMessage, response: ServerResponse): void {
  const { origin } = request.headers;
  if (origin === undefined) return;
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-expose-headers', EXPOSED);
  response.setHeader('vary', 'Origin');
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
