import type { IncomingMessage } from 'node:http';
import type { Caller, Scope } from '../identity/caller.ts';
import type { Refusal, TokenVerifier } from '../identity/tokens.ts';
import { auditOf } from './audit.ts';
import { Problem } from './problems.ts';

const REALM = 'Bearer realm="hops-fileshare"';

const EXPLANATION: Readonly<Record<Exclude<Refusal, 'unavailable'>, string>> = {
  missing: 'Send a token: Authorization: Bearer <token>.',
  invalid: 'The token is not one that this service accepts.',
  expired: 'The token has expired.',
};

/**
 * Who sends this request, provided that its token carries `scope`. The audit learns of it either way.
 * @throws {Problem} with the `WWW-Authenticate` of RFC 6750 section 3
 */
export async function authenticate(
  tokens: TokenVerifier,
  request: IncomingMessage,
  scope: Scope,
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
  const audit = auditOf(request);
  audit.principal = caller.principal;
  if (caller.token) audit.token = caller.token;
  if (caller.scopes.has(scope)) return caller;
  throw new Problem('insufficient-scope', {
    detail: `This needs the ${scope} scope.`,
    headers: { 'www-authenticate': `${REALM}, error="insufficient_scope"` },
  });
}
