import type { Scope } from './issuer.ts';
import { OAuthError, optional, required, scopesIn, wordsOf } from './parameters.ts';
import type { RedirectUris } from './redirect-uris.ts';

/** The client that asks, and where its answer goes. */
export interface Recipient {
  readonly clientId: string;
  /** Unchanged: the token endpoint compares it. */
  readonly redirectUri: string;
  readonly url: URL;
}

/** A request of a client that is known, in order. */
export interface AuthorizationRequest extends Recipient {
  /** S256. */
  readonly challenge: string;
  readonly scopes: readonly Scope[];
  readonly isOpenId: boolean;
  readonly isOffline: boolean;
  readonly nonce: string | undefined;
  readonly prompt: 'none' | 'page' | undefined;
  readonly loginHint: string | undefined;
  /** Seconds. */
  readonly maxAge: number;
}

/**
 * Tells who asks. An error here is shown to the person and sent to nobody: RFC 6749 section 4.1.2.1.
 * @throws {OAuthError}
 */
export function recipientOf(parameters: URLSearchParams, redirectUris: RedirectUris): Recipient {
  const clientId = required(parameters, 'client_id');
  const redirectUri = required(parameters, 'redirect_uri');
  const url = redirectUris.allowed(redirectUri);
  if (!url)
    throw new OAuthError('invalid_request', 'The redirect URI is neither registered nor on this machine.');
  return { clientId, redirectUri, url };
}

/** Reads the rest of a request. An error here is for the client. @throws {OAuthError} */
export function authorizationRequest(
  parameters: URLSearchParams,
  recipient: Recipient,
): AuthorizationRequest {
  for (const name of ['request', 'request_uri']) {
    if (parameters.has(name)) throw new OAuthError(`${name}_not_supported`, `${name} is not supported.`);
  }
  if (required(parameters, 'response_type') !== 'code')
    throw new OAuthError('unsupported_response_type', 'The response type is code.');
  if ((optional(parameters, 'response_mode') ?? 'query') !== 'query')
    throw new OAuthError('invalid_request', 'The response mode is query.');
  const challenge = required(parameters, 'code_challenge');
  if (optional(parameters, 'code_challenge_method') !== 'S256' || !/^[\w-]{43}$/.test(challenge))
    throw new OAuthError('invalid_request', 'The code challenge method is S256.');
  const words = wordsOf(parameters, 'scope');
  const maxAge = optional(parameters, 'max_age');
  if (maxAge !== undefined && !/^\d{1,9}$/.test(maxAge))
    throw new OAuthError('invalid_request', 'max_age is a number of seconds.');
  return {
    ...recipient,
    challenge,
    scopes: scopesIn(parameters),
    isOpenId: words.includes('openid'),
    isOffline: words.includes('offline_access'),
    nonce: optional(parameters, 'nonce'),
    prompt: promptIn(parameters),
    loginHint: optional(parameters, 'login_hint'),
    maxAge: maxAge === undefined ? Number.POSITIVE_INFINITY : Number(maxAge),
  };
}

/** OpenID Connect Core 1.0 section 3.1.2.1. All but `none` show the page, which asks for everything. */
function promptIn(parameters: URLSearchParams): AuthorizationRequest['prompt'] {
  const words = wordsOf(parameters, 'prompt');
  if (words.length === 0) return undefined;
  if (!words.includes('none')) return 'page';
  if (words.length > 1) throw new OAuthError('invalid_request', 'The prompt none goes with no other.');
  return 'none';
}
