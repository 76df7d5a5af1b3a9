import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { ISSUER_PATH, type Issuer, JWKS_PATH, parseScopes } from './issuer.ts';
import { sendProblem } from './problem.ts';
import { type PlatformStatus, statusPage } from './status-page.ts';

export interface LocalPagesOptions {
  readonly issuer: Issuer;
  readonly status: () => PlatformStatus;
}

type Page = (url: URL, request: IncomingMessage) => Content | Promise<Content>;
interface Content {
  readonly type: string;
  readonly body: string;
}

/** A page that a browser was tricked into asking by another name (DNS rebinding) could fetch tokens. */
const OWN_NAMES = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Status page, token issuer and its discovery documents: what a deployment gets from elsewhere. */
export function localPages({ issuer, status }: LocalPagesOptions): RequestListener {
  const pages: Readonly<Record<string, Page>> = {
    '/': () => ({ type: 'text/html; charset=utf-8', body: statusPage(status(), Date.now()) }),
    '/local/status.json': () => json(status()),
    '/local/token': (url) => token(issuer, url),
    [JWKS_PATH]: () => json(issuer.jwks),
    [`${ISSUER_PATH}/.well-known/openid-configuration`]: (url) => json(discovery(issuer, url)),
  };
  return async (request, response) => {
    request.resume();
    const url = URL.parse(request.url ?? '/', `http://${request.headers.host}`);
    if (!url || !OWN_NAMES.has(url.hostname))
      return sendProblem(response, 421, 'Ask for 127.0.0.1 or localhost.');
    const page = pages[url.pathname];
    if (!page) return sendProblem(response, 404, 'Nothing is served at this path.');
    const allowed = url.pathname === '/local/token' ? ['GET', 'HEAD', 'POST'] : ['GET', 'HEAD'];
    if (!allowed.includes(request.method ?? '')) {
      return sendProblem(response, 405, 'Not with this method.', { Allow: allowed.join(', ') });
    }
    try {
      send(response, await page(url, request));
    } catch (error) {
      if (!(error instanceof BadRequest)) throw error;
      sendProblem(response, 400, error.message);
    }
  };
}

class BadRequest extends Error {}

async function token(issuer: Issuer, { searchParams }: URL): Promise<Content> {
  const principal = searchParams.get('principal');
  if (!principal) throw new BadRequest('Say for whom: ?principal=org:889640782');
  const scopes = parseScopes(searchParams.get('scope') ?? 'read write');
  if (!scopes) throw new BadRequest('The scope is read, write, admin or several of them: &scope=read+write');
  return { type: 'text/plain', body: await issuer.token(principal, scopes) };
}

/** What OpenID Connect Discovery 1.0 section 3 asks for and this issuer has. */
function discovery(issuer: Issuer, { origin }: URL): object {
  return {
    issuer: issuer.url,
    jwks_uri: origin + JWKS_PATH,
    token_endpoint: `${origin}/local/token`,
    response_types_supported: ['token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  };
}

function json(value: unknown): Content {
  return { type: 'application/json', body: `${JSON.stringify(value, null, 2)}\n` };
}

function send(response: ServerResponse, { type, body }: Content): void {
  response.writeHead(200, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(body);
}
