import type { IncomingMessage, ServerResponse } from 'node:http';
import { parsePrincipal } from '../../../shared/identity/principal.ts';
import { Grants, OAuthError } from './grants.ts';
import { ISSUER_PATH, type Issuer } from './issuer.ts';

const TOKEN_PATH = `${ISSUER_PATH}/token`;
const DEVICE_PATH = `${ISSUER_PATH}/device`;
const REVOKE_PATH = `${ISSUER_PATH}/revoke`;
const ACTIVATE_PATH = `${ISSUER_PATH}/activate`;
const MAX_BODY_BYTES = 64 * 1024;

/** Members of the metadata for these endpoints: RFC 8414, RFC 8628 section 4. */
export function grantMetadata(origin: string): object {
  return {
    token_endpoint: origin + TOKEN_PATH,
    device_authorization_endpoint: origin + DEVICE_PATH,
    revocation_endpoint: origin + REVOKE_PATH,
    grant_types_supported: [
      'urn:ietf:params:oauth:grant-type:device_code',
      'refresh_token',
      'client_credentials',
      'urn:ietf:params:oauth:grant-type:jwt-bearer',
    ],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_post', 'private_key_jwt'],
  };
}

type Endpoint = (url: URL, request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** The endpoint at a path, or undefined where it is none of these. */
export function grantEndpoints(issuer: Issuer): (path: string) => Endpoint | undefined {
  const grants = new Grants(issuer);
  const asked = (answer: (form: URLSearchParams, url: URL) => object | Promise<object>): Endpoint => {
    return async (url, request, response) => {
      if (request.method !== 'POST') return reject(request, response, 'POST');
      try {
        sendJson(response, 200, await answer(await formOf(request), url));
      } catch (error) {
        if (!(error instanceof OAuthError)) throw error;
        sendJson(response, 400, { error: error.error, error_description: error.message });
      }
    };
  };
  const endpoints: Readonly<Record<string, Endpoint>> = {
    [TOKEN_PATH]: asked((form) => grants.token(form)),
    [DEVICE_PATH]: asked((form, { origin }) => grants.device(form, origin + ACTIVATE_PATH)),
    [REVOKE_PATH]: asked((form) => {
      grants.revoke(form);
      return {};
    }),
    [ACTIVATE_PATH]: (url, request, response) => activate(grants, url, request, response),
  };
  return (path) => (Object.hasOwn(endpoints, path) ? endpoints[path] : undefined);
}

/** The page where a person enters the code of a device, and says who they are. */
async function activate(
  grants: Grants,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method === 'GET') {
    request.resume();
    const code = (url.searchParams.get('user_code') ?? '').replace(/[^A-Za-z-]/g, '');
    return sendPage(response, 200, FORM.replace('CODE', code));
  }
  if (request.method !== 'POST') return reject(request, response, 'GET, POST');
  const { origin } = request.headers;
  if (origin !== undefined && origin !== url.origin) {
    request.resume();
    return sendPage(response, 403, '<p>Another page has sent this.</p>');
  }
  const form = await formOf(request);
  const principal = form.has('deny') ? 'denied' : parsePrincipal(form.get('principal'));
  if (!principal) return sendPage(response, 400, '<p>The principal is such as org:889640782.</p>');
  try {
    grants.decide(form.get('user_code') ?? '', principal);
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    return sendPage(response, 400, `<p>${error.message}</p>`);
  }
  sendPage(response, 200, '<p>Done. The command line continues; close this page.</p>');
}

const FORM = `<form method="post">
<p><label>Code <input name="user_code" value="CODE" required autocomplete="off"></label></p>
<p><label>Principal <input name="principal" value="org:889640782" required></label></p>
<p><button>Log in</button> <button name="deny" value="yes">Deny</button></p>
</form>`;

async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > MAX_BODY_BYTES) throw new OAuthError('invalid_request', 'The request is too large.');
    pieces.push(piece);
  }
  const form = new URLSearchParams(Buffer.concat(pieces).toString());
  // RFC 6749 section 2.3.1: the id of a client may come in a header.
  const basic = /^Basic (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const [id] = basic === undefined ? [] : Buffer.from(basic, 'base64').toString().split(':');
  if (id && !form.has('client_id')) form.set('client_id', decodeURIComponent(id));
  return form;
}

function reject(request: IncomingMessage, response: ServerResponse, allow: string): void {
  request.resume();
  response.setHeader('Allow', allow);
  sendJson(response, 405, { error: 'invalid_request' });
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  response.end(JSON.stringify(body));
}

function sendPage(response: ServerResponse, status: number, content: string): void {
  response.writeHead(status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    'Content-Security-Policy':
      "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    // A form that sends no referrer has no origin either.
    'Referrer-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(
    `<!doctype html><html lang="en"><title>Development issuer</title><h1>Development issuer</h1>${content}`,
  );
}
