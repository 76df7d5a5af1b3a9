import { parsePrincipal } from '../../../shared/identity/principal.ts';
import {
  type AuthorizationRequest,
  authorizationRequest,
  type Recipient,
  recipientOf,
} from './authorization-request.ts';
import type { Codes } from './codes.ts';
import { type Endpoint, formOf, isForeign, redirect, reject, sendPage, sendRefusal } from './http.ts';
import type { Issuer } from './issuer.ts';
import { loginForm } from './login-form.ts';
import { OAuthError } from './parameters.ts';
import type { RedirectUris } from './redirect-uris.ts';
import { type Session, type Sessions, secondsSince } from './sessions.ts';

export interface AuthorizeOptions {
  readonly issuer: Issuer;
  readonly codes: Codes;
  readonly sessions: Sessions;
  readonly redirectUris: RedirectUris;
}

/** The authorization endpoint: RFC 6749 section 3.1, OpenID Connect Core 1.0 section 3.1.2, RFC 9207. */
export function authorizeEndpoint({ issuer, codes, sessions, redirectUris }: AuthorizeOptions): Endpoint {
  return async (url, request, response) => {
    const isPost = request.method === 'POST';
    if (!isPost && request.method !== 'GET') return reject(request, response, 'GET, POST');
    if (isPost && isForeign(url, request)) {
      request.resume();
      return sendRefusal(response, 403, 'Another page has sent this.');
    }
    const form = isPost ? await formOf(request) : new URLSearchParams();
    if (!isPost) request.resume();
    const { searchParams: parameters } = url;
    const recipient = recipientOf(parameters, redirectUris);
    const answer = (fields: Record<string, string>) =>
      redirect(response, addressed(recipient, parameters, { ...fields, iss: issuer.url }));
    const fail = ({ error, message }: OAuthError) => answer({ error, error_description: message });
    const asked = readRequest(parameters, recipient);
    if (asked instanceof OAuthError) return fail(asked);
    const grant = (session: Session) => answer({ code: codes.issue(authorizationOf(asked, session)) });

    if (!isPost) {
      const session = sessions.of(request);
      const isEnough = session && secondsSince(session) <= asked.maxAge && allowed(asked, session).length > 0;
      if (isEnough && asked.prompt !== 'page') return grant(session);
      if (asked.prompt === 'none') return fail(new OAuthError('login_required', 'Nobody is logged in.'));
      return sendPage(response, 200, loginForm(asked, { principal: asked.loginHint ?? session?.principal }));
    }
    if (form.get('decision') === 'deny') return fail(new OAuthError('access_denied', 'The person said no.'));
    const session = sessionIn(form, asked);
    if (typeof session === 'string') {
      const entered = { principal: form.get('principal') ?? '', groups: form.get('groups') ?? '' };
      return sendPage(response, 400, loginForm(asked, { ...entered, problem: session }));
    }
    sessions.begin(request, response, session);
    grant(session);
  };
}

/** The session that the person asks for, or a sentence that says why it cannot be. */
function sessionIn(form: URLSearchParams, { scopes }: AuthorizationRequest): Session | string {
  const principal = parsePrincipal(form.get('principal')?.trim());
  if (!principal) return 'A principal is such as org:889640782.';
  const chosen = form.getAll('scope');
  const allowed = scopes.filter((scope) => chosen.includes(scope));
  if (allowed.length === 0) return 'Allow one scope at least.';
  const groups = (form.get('groups') ?? '').split(/[\s,]+/).filter(Boolean);
  if (!groups.every((group) => parsePrincipal(`group:${group.replace(/^group:/, '')}`)))
    return 'A group is such as nurses.';
  return { principal, groups, scopes: allowed, authenticatedAt: Math.floor(Date.now() / 1000) };
}

function allowed({ scopes }: AuthorizationRequest, session: Session) {
  return scopes.filter((scope) => session.scopes.includes(scope));
}

function authorizationOf(asked: AuthorizationRequest, session: Session) {
  const { clientId, redirectUri, challenge, isOffline, isOpenId, nonce } = asked;
  const { principal, groups, authenticatedAt } = session;
  return {
    grant: { clientId, principal, groups, scopes: allowed(asked, session) },
    redirectUri,
    challenge,
    isOffline,
    idToken: isOpenId ? { ...(nonce && { nonce }), auth_time: authenticatedAt } : undefined,
  };
}

function addressed(
  { url }: Recipient,
  parameters: URLSearchParams,
  fields: Readonly<Record<string, string>>,
): URL {
  const target = new URL(url);
  for (const [name, value] of Object.entries(fields)) target.searchParams.set(name, value);
  const [state, ...others] = parameters.getAll('state');
  if (state && others.length === 0) target.searchParams.set('state', state);
  return target;
}

function readRequest(parameters: URLSearchParams, recipient: Recipient): AuthorizationRequest | OAuthError {
  try {
    return authorizationRequest(parameters, recipient);
  } catch (error) {
    if (error instanceof OAuthError) return error;
    throw error;
  }
}
