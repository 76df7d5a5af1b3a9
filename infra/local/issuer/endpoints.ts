import type { IncomingMessage, ServerResponse } from 'node:http';
import { parsePrincipal } from '../../../shared/identity/principal.ts';
import { authorizeEndpoint } from './authorize.ts';
import { Grants } from './grants.ts';
import {
  type Endpoint,
  formOf,
  forPeople,
  isForeign,
  reject,
  sendJson,
  sendPage,
  sendRefusal,
} from './http.ts';
import { ISSUER_PATH, type Issuer, JWKS_PATH, SCOPES } from './issuer.ts';
import { logoutEndpoint } from './logout.ts';
import { OAuthError } from './parameters.ts';
import { RedirectUris } from './redirect-uris.ts';
import { Sessions } from './sessions.ts';

const AUTHORIZE_PATH = `${ISSUER_PATH}/authorize`;
const TOKEN_PATH = `${ISSUER_PATH}/token`;
const DEVICE_PATH = `${ISSUER_PATH}/device`;
const REVOKE_PATH = `${ISSUER_PATH}/revoke`;
const LOGOUT_PATH = `${ISSUER_PATH}/logout`;
const ACTIVATE_PATH = `${ISSUER_PATH}/activate`;
const DISCOVERY_PATH = `${ISSUER_PATH}/.well-known/openid-configuration`;

/** Endpoints that scripts of pages ask; browsers go to the others themselves. */
const FOR_PAGES: ReadonlySet<string> = new Set([DISCOVERY_PATH, JWKS_PATH, TOKEN_PATH, REVOKE_PATH]);

/** The metadata of OpenID Connect Discovery 1.0 section 3, RFC 8414, RFC 8628 section 4 and RFC 9207. */
function issuerMetadata(issuer: Issuer, origin: string): object {
  return {
    issuer: issuer.url,
    jwks_uri: origin + JWKS_PATH,
    authorization_endpoint: origin + AUTHORIZE_PATH,
    token_endpoint: origin + TOKEN_PATH,
    device_authorization_endpoint: origin + DEVICE_PATH,
    revocation_endpoint: origin + REVOKE_PATH,
    end_session_endpoint: origin + LOGOUT_PATH,
    grant_types_supported: [
      'authorization_code',
      'urn:ietf:params:oauth:grant-type:device_code',
      'refresh_token',
      'client_credentials',
      'urn:ietf:params:oauth:grant-type:jwt-bearer',
    ],
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    scopes_supported: ['openid', 'offline_access', ...Object.values(SCOPES)],
    prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_post', 'private_key_jwt'],
    authorization_response_iss_parameter_supported: true,
    request_uri_parameter_supported: false,
  };
}

/**
 * The endpoint at a path, or undefined where it is none of these.
 * @param registered redirect URIs elsewhere than on this machine
 */
export function issuerEndpoints(
  issuer: Issuer,
  registered: readonly string[] = [],
): (path: string) => Endpoint | undefined {
  const grants = new Grants(issuer);
  const sessions = new Sessions();
  const redirectUris = new RedirectUris(registered);
  const asked = (answer: (form: URLSearchParams, url: URL) => object | Promise<object>): Endpoint => {
    return async (url, request, response) => {
      if (request.method !== 'POST') return reject(request, response, 'POST');
      try {
        const form = await formOf(request);
        readClientId(request, form);
        sendJson(response, 200, await answer(form, url));
      } catch (error) {
        if (!(error instanceof OAuthError)) throw error;
        sendJson(response, 400, { error: error.error, error_description: error.message });
      }
    };
  };
  const read = (answer: (url: URL) => object): Endpoint => {
    return async (url, request, response) => {
      request.resume();
      if (request.method !== 'GET' && request.method !== 'HEAD')
        return reject(request, response, 'GET, HEAD');
      sendJson(response, 200, answer(url));
    };
  };
  const endpoints: Readonly<Record<string, Endpoint>> = {
    [DISCOVERY_PATH]: read(({ origin }) => issuerMetadata(issuer, origin)),
    [JWKS_PATH]: read(() => issuer.jwks),
    [AUTHORIZE_PATH]: forPeople(authorizeEndpoint({ issuer, codes: grants.codes, sessions, redirectUris })),
    [TOKEN_PATH]: asked((form) => grants.token(form)),
    [DEVICE_PATH]: asked((form, { origin }) => grants.device(form, origin + ACTIVATE_PATH)),
    [REVOKE_PATH]: asked((form) => {
      grants.revoke(form);
      return {};
    }),
    [LOGOUT_PATH]: forPeople(logoutEndpoint({ issuer, sessions, redirectUris })),
    [ACTIVATE_PATH]: forPeople((url, request, response) => activate(grants, url, request, response)),
  };
  return (path) => {
    const endpoint = Object.hasOwn(endpoints, path) ? endpoints[path] : undefined;
    return endpoint && FOR_PAGES.has(path) ? shared(endpoint, redirectUris) : endpoint;
  };
}

/** Lets pages read the answers that may log in here: no others, since anybody gets any token. */
function shared(endpoint: Endpoint, redirectUris: RedirectUris): Endpoint {
  return async (url, request, response) => {
    const { origin } = request.headers;
    response.setHeader('Vary', 'Origin');
    if (origin !== undefined && redirectUris.allowsOrigin(origin)) {
      response.setHeader('Access-Control-Allow-Origin', origin);
      if (request.method === 'OPTIONS') {
        request.resume();
        return void response
          .writeHead(204, {
            'Access-Control-Allow-Methods': 'GET, POST',
            'Access-Control-Allow-Headers': '*',
          })
          .end();
      }
    }
    return endpoint(url, request, response);
  };
}

/** The page where a person enters the code of a device, and says who they are. */
async function activate(
  grants: Grants,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const title = 'Log in a device';
  const send = (status: number, content: string) => sendPage(response, status, { title, content });
  if (request.method === 'GET') {
    request.resume();
    const code = (url.searchParams.get('user_code') ?? '').replace(/[^A-Za-z-]/g, '');
    return send(200, FORM.replace('CODE', code));
  }
  if (request.method !== 'POST') return reject(request, response, 'GET, POST');
  if (isForeign(url, request)) {
    request.resume();
    return sendRefusal(response, 403, 'Another page has sent this.');
  }
  const form = await formOf(request);
  const principal = form.has('deny') ? 'denied' : parsePrincipal(form.get('principal'));
  if (!principal) return sendRefusal(response, 400, 'The principal is such as org:889640782.');
  grants.decide(form.get('user_code') ?? '', principal);
  send(200, '<p>Done. The command line continues; close this page.</p>');
}

const FORM = `<form method="post">
<p><label for="user_code">Code</label> <input id="user_code" name="user_code" value="CODE" required autocomplete="off"></p>
<p><label for="principal">Principal</label> <input id="principal" name="principal" value="org:889640782" required></p>
<p class="actions"><button>Log in</button> <button name="deny" value="yes" class="quiet" formnovalidate>Deny</button></p>
</form>`;

/** RFC 6749 section 2.3.1: the id of a client may come in a header. */
function readClientId({ headers }: IncomingMessage, form: URLSearchParams): void {
  const basic = /^Basic (.+)$/i.exec(headers.authorization ?? '')?.[1];
  const [id] = basic === undefined ? [] : Buffer.from(basic, 'base64').toString().split(':');
  if (id && !form.has('client_id')) form.set('client_id', decodeURIComponent(id));
}
