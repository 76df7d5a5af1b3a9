import { createHash } from 'node:crypto';
import { SCOPES, type Scope, USUAL_SCOPES } from './issuer.ts';

/** An error of OAuth (RFC 6749 section 5.2). */
export class OAuthError extends Error {
  readonly error: string;

  constructor(error: string, description: string) {
    super(description);
    this.error = error;
  }
}

/** RFC 6749 section 3.1: a parameter without a value is absent, and none comes twice. @throws {OAuthError} */
export function optional(parameters: URLSearchParams, name: string): string | undefined {
  const values = parameters.getAll(name);
  if (values.length > 1) throw new OAuthError('invalid_request', `${name} comes more than once.`);
  return values[0] || undefined;
}

/** @throws {OAuthError} */
export function required(parameters: URLSearchParams, name: string): string {
  const value = optional(parameters, name);
  if (value === undefined) throw new OAuthError('invalid_request', `${name} is missing.`);
  return value;
}

/** The scopes that are asked for; those of OpenID Connect are taken and ignored. @throws {OAuthError} */
export function scopesIn(parameters: URLSearchParams): readonly Scope[] {
  const words = wordsOf(parameters, 'scope').filter(
    (word) => !/^(?:openid|profile|email|offline_access)$/.test(word),
  );
  const known = (Object.keys(SCOPES) as Scope[]).filter((scope) => words.includes(SCOPES[scope]));
  if (known.length < words.length)
    throw new OAuthError('invalid_scope', `The scopes are ${Object.values(SCOPES).join(', ')}.`);
  return known.length > 0 ? known : USUAL_SCOPES;
}

/** A parameter that is a list with spaces between. @throws {OAuthError} */
export function wordsOf(parameters: URLSearchParams, name: string): readonly string[] {
  return [...new Set((optional(parameters, name) ?? '').split(' ').filter(Boolean))];
}

/** The S256 code challenge of a verifier (RFC 7636 section 4.2). */
export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}
