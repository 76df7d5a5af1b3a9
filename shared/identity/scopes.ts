import * as v from 'valibot';
import { SCOPES, type Scope } from './caller.ts';

/** A `scope-token` of RFC 6749 section 3.3: it is sent back in a header. */
const scopeToken = v.pipe(
  v.string('should be a scope'),
  v.regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'should be a scope, without spaces and quotes'),
);

const SOME_SCOPES = 'should be one or several scopes';

/** One or several, any of which will do; clients are told of the first. */
export const scopeWords = v.pipe(
  v.union([scopeToken, v.pipe(v.array(scopeToken), v.minLength(1, SOME_SCOPES))], SOME_SCOPES),
  v.transform((words) => [words].flat()),
);

/** How an issuer calls what we call read, write and admin. */
export interface ScopeWords {
  readonly readScope: readonly string[];
  readonly writeScope: readonly string[];
  readonly adminScope?: readonly string[] | undefined;
}

export function wordsFor(scope: Scope, words: ScopeWords): readonly string[] {
  switch (scope) {
    case 'read':
      return words.readScope;
    case 'write':
      return words.writeScope;
    case 'admin':
      return words.adminScope ?? [];
  }
}

/**
 * Scopes that a token grants. @param granted the issuer's words, in a list or separated by spaces; anything else
 * grants nothing
 */
export function scopesOf(words: ScopeWords, ...granted: readonly unknown[]): ReadonlySet<Scope> {
  const held = new Set(granted.flatMap(wordsIn));
  return new Set(SCOPES.filter((scope) => wordsFor(scope, words).some((word) => held.has(word))));
}

function wordsIn(claim: unknown): readonly unknown[] {
  if (typeof claim === 'string') return claim.split(' ');
  return Array.isArray(claim) ? claim : [];
}
