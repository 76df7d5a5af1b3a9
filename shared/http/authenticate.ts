import type { IncomingMessage } from 'node:http';
import type { Caller, Scope } from '../identity/caller.ts';
import { KeysUnavailable } from '../identity/keys.ts';
import type { Refusal, TokenVerifier } from '../identity/tokens.ts';
import { auditCaller, auditOf } from './audit.ts';
import { Problem, type ProblemType, unavailable } from './problems.ts';

/** Explanation for people, and plain enough for a quoted string in a header (RFC 6750 section 3). */
const EXPLANATION: Readonly<Record<Refusal, string>> = {
  malformed: 'The token is not a signed JWT.',
  oversized: 'The token is too long.',
  unknownIssuer: 'The issuer of the token is not trusted.',
  badSignature: 'The signature of the token does not match a key of its issuer.',
  wrongAudience: 'The token is not meant for this service.',
  expired: 'The token has expired.',
  notYetValid: 'The token is not valid yet.',
  badClaims: 'A claim of the token is missing or not valid.',
  nobody: 'The token has no valid claim that identifies the caller.',
};

/**
 * The sender of this request, provided that its token carries one of the `scopes`. The audit learns of it either way.
 * @throws {Problem} with the `WWW-Authenticate` of RFC 6750 section 3
 */
export async function authenticate(
  tokens: TokenVerifier,
  request: IncomingMessage,
  ...scopes: readonly [Scope, ...Scope[]]
): Promise<Caller> {
  const caller = await verify(tokens, bearerToken(request));
  if (typeof caller === 'string') {
    throw challenge('unauthenticated', EXPLANATION[caller], 'invalid_token');
  }
  auditCaller(auditOf(request), caller);
  if (scopes.some((scope) => caller.scopes.has(scope))) return caller;
  // A list in the challenge would mean that all are needed: the first is what most clients want.
  const [scope] = scopes;
  const word = tokens.wordOf(scope, caller.issuer);
  throw challenge('insufficient-scope', `This needs the ${scope} scope.`, 'insufficient_scope', word);
}

async function verify(tokens: TokenVerifier, token: string): Promise<Caller | Refusal> {
  try {
    return await tokens.verify(token);
  } catch (cause) {
    if (!(cause instanceof KeysUnavailable)) throw cause;
    throw unavailable('The keys to verify the token are not available. Try again.', 5, cause);
  }
}

/** @throws {Problem} where there is none, or not exactly one in the one place where a token belongs */
function bearerToken(request: IncomingMessage): string {
  const [authorization = '', ...others] = request.headersDistinct['authorization'] ?? [];
  // Addresses end up in logs and histories: a token in one is refused even beside a good one (RFC 6750 section 2).
  const inQuery = new URL(request.url ?? '/', 'http://service').searchParams.has('access_token');
  if (others.length > 0 || inQuery) {
    const detail = 'Send one token, in one Authorization header and nowhere else.';
    throw challenge('invalid-request', detail, 'invalid_request');
  }
  // RFC 6750 section 3.1: who sends no token, or knows another scheme only, gets no error code.
  if (!/^Bearer( |$)/i.test(authorization)) {
    throw challenge('unauthenticated', 'Send a token: Authorization: Bearer <token>.');
  }
  const token = /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i.exec(authorization)?.[1];
  if (token) return token;
  throw challenge('unauthenticated', EXPLANATION.malformed, 'invalid_token');
}

/** @param scope in the words of the issuer: what to ask it for */
function challenge(type: ProblemType, detail: string, error?: string, scope?: string): Problem {
  const parameters = [
    'realm="hops-fileshare"',
    ...(error ? [`error="${error}"`, `error_description="${detail}"`] : []),
    ...(scope ? [`scope="${scope}"`] : []),
  ];
  return new Problem(type, { detail, headers: { 'www-authenticate': `Bearer ${parameters.join(', ')}` } });
}
