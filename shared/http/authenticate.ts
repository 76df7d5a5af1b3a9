import type { IncomingMessage } from 'node:http';
import type { Caller, Scope } from '../identity/caller.ts';
import type { Refusal, TokenVerifier } from '../identity/tokens.ts';
import { Problem } from './problems.ts';

const REALM = 'Bearer realm="hops-fileshare"';

const EXPLANATION: Readonly<Record<Exclude<Refusal, 'unavailable'>, string>> = {
  missing: 'Send a token: Authorization: Bearer <token>.',
  invalid: 'The token is not one that this service accepts.',
  expired: 'The token has expired.',
};

/**
 * Who sends this request, provided that its token carries one of `scopes`.
 * @throws {Problem} with the `WWW-Authenticate` of RFC 6750 section 3
 */
export async function authenticate(
  tokens: TokenVerifier,
  request: IncomingMessage,
  ...scopes: readonly Scope[]
): Promise<Caller> {
  const caller = await tokens.verify(request.headers.authorization);
  if (caller === 'unavailable') {
    const detail = 'The keys that tokens are checked with cannot be had. Try again.';
    throw new Problem('unavailable', { detail, headers: { 'retry-after': '5' } });
  }
  if (typeof caller === 'string') {
    // RFC 6750 section 3.1: a request without a token gets no error code.
    const challenge = caller === 'missing' ? REALM : `${REALM}, error="invalid_token"`;
    const detail = EXPLANATION[caller];
    throw new Problem('unauthenticated', { detail, headers: { 'www-authenticate': challenge } });
  }
  if (scopes.some((scope) => caller.scopes.has(scope))) return caller;
  throw new Problem('insufficient-scope', {
    detail: `This needs the ${scopes.join(' or ')} scope.`,
    headers: { 'www-authenticate': `${REALM}, error="insufficient_scope"` },
  });
}
