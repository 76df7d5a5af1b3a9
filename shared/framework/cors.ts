import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as v from 'valibot';

/** Decides whether pages of an origin may read answers. */
export type OriginCheck = (origin: string) => boolean;

/** Seconds for which a browser keeps the answer to a preflight request: the longest that Chromium keeps it. */
const MAX_AGE_SECONDS = 7_200;

const SHAPE =
  'should be origins separated by commas, such as https://app.example.org or https://*.example.org; http for localhost alone';

/**
 * `CORS_ORIGINS`: exact origins, and patterns such as `https://*.example.org` for all subdomains of a domain, but not for
 * the domain itself. An origin of http is accepted for this machine alone: anyone on the line could change its pages.
 */
export const corsOrigins = v.optional(
  v.pipe(
    v.string(),
    v.transform((text) =>
      text
        .split(',')
        .map((origin) => origin.trim())
        .filter((origin) => origin !== ''),
    ),
    v.array(v.pipe(v.string(), v.check(isOriginOrPattern, SHAPE))),
    v.transform((origins): OriginCheck | undefined => (origins.length > 0 ? checkOf(origins) : undefined)),
  ),
);

/** One label of a host name or more (RFC 1123 section 2.1). */
const SUBDOMAIN = '(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\\.){1,20}';

function isOriginOrPattern(text: string): boolean {
  // A browser writes an origin in exactly one way, and so it has to be written here.
  if (!URL.canParse(text) || new URL(text).origin !== text) return false;
  const { protocol, hostname } = new URL(text);
  if (protocol === 'http:') return /^(?:(?:[a-z0-9-]+\.)*localhost|127\.0\.0\.1|\[::1\])$/.test(hostname);
  // A pattern for a top-level domain would allow everybody.
  return protocol === 'https:' && /^(?:\*\.[^*.]+\.[^*]*[^*.]|[^*]+)$/.test(hostname);
}

function checkOf(origins: readonly string[]): OriginCheck {
  const exact = new Set(origins.filter((origin) => !origin.includes('*')));
  const patterns = origins
    .filter((origin) => origin.includes('*'))
    .map((pattern) => new RegExp(`^${pattern.replaceAll('.', '\\.').replace('*\\.', SUBDOMAIN)}$`));
  return (origin) => exact.has(origin) || (origin.length < 300 && patterns.some((one) => one.test(origin)));
}

/**
 * Cross-origin resource sharing (https://fetch.spec.whatwg.org/#http-cors-protocol). The headers are set when a request
 * begins, before the framework hears of it, so that every answer of the process has them: problems, and what the framework
 * answers without our code. Callers are known by a bearer token alone, so cookies are never allowed. See docs/adr/0032.
 * To be called once, while the module loads.
 */
export function allowOrigins(isAllowed: OriginCheck | undefined): void {
  if (!isAllowed) return;
  subscribe('http.server.request.start', (message) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
    // A cache must not give the answer for one origin to another, nor the one without an origin.
    response.setHeader('vary', 'Origin');
    const { origin } = request.headers;
    if (origin === undefined || !isAllowed(origin)) return;
    response.setHeader('access-control-allow-origin', origin);
    // All of them: none is secret, and those of tus, of Uppy and of the client are many.
    response.setHeader('access-control-expose-headers', '*');
  });
}

/** The page that sent a request may read its answer. */
export function isCrossOrigin(response: ServerResponse): boolean {
  return response.hasHeader('access-control-allow-origin');
}

/**
 * Answers a preflight request of a browser, which carries no token.
 * @returns whether it was one. An `OPTIONS` request that a page sends itself, as tus does, is none
 */
export function answerPreflight(request: IncomingMessage, response: ServerResponse): boolean {
  const asked = request.headers['access-control-request-method'];
  if (request.method !== 'OPTIONS' || asked === undefined || request.headers.origin === undefined)
    return false;
  response.writeHead(204, {
    ...(isCrossOrigin(response) && {
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
      // The asterisk does not include it.
      'access-control-allow-headers': 'Authorization, *',
      'access-control-max-age': String(MAX_AGE_SECONDS),
    }),
  });
  response.end();
  return true;
}
