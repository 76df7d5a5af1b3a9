import { compactVerify, createLocalJWKSet } from 'jose';
import { escapeHtml } from '../html.ts';
import { type Endpoint, formOf, isForeign, redirect, reject, sendPage } from './http.ts';
import type { Issuer } from './issuer.ts';
import { OAuthError, optional } from './parameters.ts';
import type { RedirectUris } from './redirect-uris.ts';
import type { Sessions } from './sessions.ts';

export interface LogoutOptions {
  readonly issuer: Issuer;
  readonly sessions: Sessions;
  readonly redirectUris: RedirectUris;
}

const CONFIRM =
  '<form method="post"><p class="actions"><button name="confirm" value="yes">Log out</button></p></form>';

/** The end of a session: OpenID Connect RP-Initiated Logout 1.0. Without a hint of who it is, the person is asked. */
export function logoutEndpoint({ issuer, sessions, redirectUris }: LogoutOptions): Endpoint {
  return async (url, request, response) => {
    const isPost = request.method === 'POST';
    if (!isPost && request.method !== 'GET') return reject(request, response, 'GET, POST');
    const form = isPost ? await formOf(request) : new URLSearchParams();
    if (!isPost) request.resume();
    const parameters = new URLSearchParams([...url.searchParams, ...form]);
    const target = await targetOf(issuer, redirectUris, parameters);
    const session = sessions.of(request);
    const isConfirmed = isPost && form.has('confirm') && !isForeign(url, request);
    if (session && target.subject !== session.principal && !isConfirmed) {
      const leadsTo = target.url?.origin ?? '';
      const content = `<p>You are logged in as ${escapeHtml(session.principal)}.</p>${CONFIRM}`;
      return sendPage(response, 200, { title: 'Log out', content, leadsTo });
    }
    sessions.end(request, response);
    if (target.url) return redirect(response, target.url);
    sendPage(response, 200, { title: 'Logged out', content: '<p>Close this page.</p>' });
  };
}

interface Target {
  /** The subject of the ID token that is the hint. */
  readonly subject: string | undefined;
  readonly url: URL | undefined;
}

async function targetOf(
  issuer: Issuer,
  redirectUris: RedirectUris,
  parameters: URLSearchParams,
): Promise<Target> {
  const hint = optional(parameters, 'id_token_hint');
  const uri = optional(parameters, 'post_logout_redirect_uri');
  const clientId = optional(parameters, 'client_id');
  const claims = hint === undefined ? undefined : await claimsIn(issuer, hint);
  if (claims && clientId !== undefined && claims.aud !== clientId)
    throw new OAuthError('invalid_request', 'The ID token is of another client.');
  if (uri === undefined) return { subject: claims?.sub, url: undefined };
  const url = redirectUris.allowed(uri);
  if (!url || (!claims && clientId === undefined))
    throw new OAuthError('invalid_request', 'The redirect URI is of no known client.');
  const state = optional(parameters, 'state');
  if (state !== undefined) url.searchParams.set('state', state);
  return { subject: claims?.sub, url };
}

/** Section 4: also of an ID token that has expired. */
async function claimsIn(
  issuer: Issuer,
  hint: string,
): Promise<{ readonly sub: string; readonly aud: string }> {
  try {
    const { payload } = await compactVerify(hint, createLocalJWKSet({ keys: [...issuer.jwks.keys] }));
    const { iss, sub, aud } = JSON.parse(new TextDecoder().decode(payload));
    if (iss === issuer.url && typeof sub === 'string' && typeof aud === 'string') return { sub, aud };
  } catch {
    // Falls through to the error.
  }
  throw new OAuthError('invalid_request', 'The hint is no ID token of this issuer.');
}
