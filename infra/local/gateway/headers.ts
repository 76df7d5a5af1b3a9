import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Fields that mean one connection only (RFC 9110 section 7.6.1), and the obsolete Proxy-Connection. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Set by the gateway itself: what a client claims here is not to be believed. */
const OURS = new Set(['x-forwarded-for', 'x-forwarded-proto', 'content-length']);

const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}/;

/** True where the message is framed with a body, be it empty (RFC 9112 section 6). */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** Bytes of the body as its sender counts them; 0 where it does not say. */
export function declaredBytes({ headers }: IncomingMessage): number {
  return headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : 0;
}

/** Bytes of the first line and the fields. */
export function headBytes({ method, url, statusMessage, rawHeaders }: IncomingMessage): number {
  const firstLine = (method ?? '').length + (url ?? '').length + (statusMessage ?? '').length + 14;
  return rawHeaders.reduce((sum, text) => sum + text.length + 2, firstLine);
}

/** Name, value, name, value ... as they came (case, order and repetition kept), without those of this connection. */
export function endToEnd(message: IncomingMessage): string[] {
  const dropped = namedByConnection(message);
  return pairs(message.rawHeaders, (name) => !HOP_BY_HOP.has(name) && !dropped.has(name));
}

/**
 * The request as the upstream sees it: its end-to-end fields, its framing, who asked, and a trace.
 * `traceparent` is that of W3C Trace Context; a valid one is passed as it is.
 */
export function upstreamHeaders(request: IncomingMessage): string[] {
  const { headers, socket } = request;
  const traced = TRACEPARENT.test(String(headers['traceparent'] ?? ''));
  const kept = pairs(endToEnd(request), (name) => !OURS.has(name) && (traced || name !== 'traceparent'));
  const forwardedFor = [headers['x-forwarded-for'], socket.remoteAddress].flat().filter(Boolean).join(', ');
  kept.push('X-Forwarded-For', forwardedFor, 'X-Forwarded-Proto', 'http', ...framing(request));
  if (!traced) kept.push('traceparent', newTraceparent());
  return kept;
}

/** Written out because Node leaves a GET or DELETE with a body unframed: its bytes would pass as the next request. */
function framing(request: IncomingMessage): string[] {
  if (request.headers['transfer-encoding'] !== undefined) return ['Transfer-Encoding', 'chunked'];
  const length = request.headers['content-length'];
  if (length !== undefined) return ['Content-Length', length];
  return request.method === 'GET' || request.method === 'HEAD' ? [] : ['Content-Length', '0'];
}

function namedByConnection({ headers }: IncomingMessage): Set<string> {
  const named = headers.connection?.split(',').map((name) => name.trim().toLowerCase()) ?? [];
  return new Set(named);
}

function pairs(raw: readonly string[], keep: (name: string) => boolean): string[] {
  const kept: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? '';
    if (keep(name.toLowerCase())) kept.push(name, raw[at + 1] ?? '');
  }
  return kept;
}

function newTraceparent(): string {
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
}
