import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { sendProblem } from '../gateway/problem.ts';
import { issuerEndpoints } from '../issuer/endpoints.ts';
import { type Issuer, parseExpiry, parseScopes } from '../issuer/issuer.ts';
import { pageFile } from './files.ts';
import type { Live } from './live.ts';
import { CONFIG_PATH, localPageConfig } from './local-config.ts';
import { OPERATOR_METHODS, type OperatorOptions, operate } from './operator.ts';
import { contentSecurityPolicy } from './policy.ts';
import { SAMPLE_PATH, sendSample } from './sample-file.ts';
import { type PlatformStatus, statusPage } from './status-page.ts';

export interface LocalPagesOptions {
  readonly issuer: Issuer;
  /** Pages elsewhere than on this machine that may log in. */
  readonly redirectUris?: readonly string[] | undefined;
  readonly status: () => PlatformStatus;
  readonly live: Pick<Live, 'watch'>;
  readonly operator: Omit<OperatorOptions, 'issuer'>;
}

type Page = (url: URL) => Content | Promise<Content>;
interface Content {
  readonly type: string;
  readonly body: string;
}

/** A page that a browser was tricked into asking by another name (DNS rebinding) could fetch tokens. */
const OWN_NAMES = new Set(['localhost', '127.0.0.1', '[::1]']);
const LIVE_PATH = '/local/live';
const METHODS: Readonly<Record<string, readonly string[]>> = {
  '/local/token': ['GET', 'HEAD', 'POST'],
  // A HEAD of it would never end.
  [LIVE_PATH]: ['GET'],
  ...OPERATOR_METHODS,
};

/** The page, the status, and the token issuer with its discovery documents: what a deployment gets from elsewhere. */
export function localPages(options: LocalPagesOptions): RequestListener {
  const { issuer, redirectUris, status, live, operator } = options;
  const pages: Readonly<Record<string, Page>> = {
    '/local/status': () => ({ type: 'text/html; charset=utf-8', body: statusPage(status(), Date.now()) }),
    '/local/status.json': () => json(status()),
    '/local/token': (url) => token(issuer, url),
    [CONFIG_PATH]: (url) => json(localPageConfig(issuer, url)),
  };
  const issuerEndpoint = issuerEndpoints(issuer, redirectUris);
  const answer = async (url: URL, request: IncomingMessage, response: ServerResponse) => {
    const { pathname } = url;
    if (Object.hasOwn(OPERATOR_METHODS, pathname)) {
      return operate({ issuer, ...operator }, url, request, response);
    }
    request.resume();
    if (pathname === LIVE_PATH) return live.watch(response, request.headers['last-event-id']?.toString());
    if (pathname.startsWith(SAMPLE_PATH)) return sendSample(pathname, response);
    const content = (await pages[pathname]?.(url)) ?? (await pageFile(pathname, status()));
    if (!content) return sendProblem(response, 404, 'Nothing is served at this path.');
    // Large files go straight to Cloud Storage; a login asks the issuer by the name that its tokens have.
    const { storageUrl, url: gatewayUrl } = status();
    send(response, content, contentSecurityPolicy([storageUrl, gatewayUrl]));
  };
  return async (request, response) => {
    const url = URL.parse(request.url ?? '/', `http://${request.headers.host}`);
    const refuse = (...answer: [number, string, Record<string, string>?]) => {
      request.resume();
      sendProblem(response, ...answer);
    };
    if (!url || !OWN_NAMES.has(url.hostname)) return refuse(421, 'Ask for 127.0.0.1 or localhost.');
    const endpoint = issuerEndpoint(url.pathname);
    const allowed = METHODS[url.pathname] ?? ['GET', 'HEAD'];
    if (!endpoint && !allowed.includes(request.method ?? '')) {
      return refuse(405, 'Not with this method.', { Allow: allowed.join(', ') });
    }
    try {
      await (endpoint ?? answer)(url, request, response);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      sendProblem(response, error instanceof BadRequest ? 400 : 500, detail);
    }
  };
}

class BadRequest extends Error {}

async function token(issuer: Issuer, { searchParams }: URL): Promise<Content> {
  const principal = searchParams.get('principal');
  if (!principal) throw new BadRequest('Say for whom: ?principal=org:889640782');
  const scopes = parseScopes(searchParams.get('scope') ?? 'read write');
  if (!scopes) throw new BadRequest('The scope is some of read, write and admin: &scope=read+write');
  const expiresInSeconds = parseExpiry(searchParams.get('expires') ?? '3600');
  if (expiresInSeconds === undefined) throw new BadRequest('It expires after some seconds: &expires=3600');
  const groups = searchParams.getAll('group');
  return { type: 'text/plain', body: await issuer.token(principal, scopes, { groups, expiresInSeconds }) };
}

function json(value: unknown): Content {
  return { type: 'application/json', body: `${JSON.stringify(value, null, 2)}\n` };
}

function send(response: ServerResponse, { type, body }: Content, policy: string): void {
  response.writeHead(200, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'Content-Security-Policy': policy,
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(body);
}
