import type { JWTPayload } from 'jose';
import * as v from 'valibot';
import type { Scope } from './caller.ts';
import { choosesNames, customBearer, customSchema } from './kinds/custom.ts';
import { entraBearer, entraSchema } from './kinds/entra.ts';
import { googleBearer, googleSchema } from './kinds/google.ts';
import type { Bearer } from './kinds/kind.ts';
import { maskinportenBearer, maskinportenSchema } from './kinds/maskinporten.ts';
import { wordsFor } from './scopes.ts';

const issuerSchema = v.variant(
  'kind',
  [maskinportenSchema, entraSchema, googleSchema, customSchema],
  'should be of kind maskinporten, entra, google or custom',
);

/** `TOKEN_ISSUERS`: whose tokens are trusted, and how each is read. See docs/identity.md. */
export const issuersSchema = v.pipe(
  v.array(issuerSchema),
  v.minLength(1, 'should name at least one issuer'),
  v.check(
    (issuers) => new Set(issuers.map(({ issuer }) => issuer)).size === issuers.length,
    'should name every issuer once',
  ),
  v.check(
    (issuers) =>
      issuers.length === 1 ||
      issuers.every(
        (issuer) => issuer.kind !== 'custom' || !choosesNames(issuer) || issuer.namespace !== undefined,
      ),
    'should give a custom issuer beside others a namespace, without which its users and groups may be theirs',
  ),
  v.check((issuers) => {
    const names = issuers.flatMap((issuer) => (issuer.kind === 'custom' && issuer.namespace) || []);
    return new Set(names).size === names.length;
  }, 'should name every namespace once'),
);

export type Issuer = v.InferOutput<typeof issuerSchema>;

/** The caller of a verified token; undefined if it names nobody in the way of its issuer. */
export function bearerOf(payload: JWTPayload, issuer: Issuer): Bearer | undefined {
  switch (issuer.kind) {
    case 'maskinporten':
      return maskinportenBearer(payload, issuer);
    case 'entra':
      return entraBearer(payload, issuer);
    case 'google':
      return googleBearer(payload, issuer);
    case 'custom':
      return customBearer(payload, issuer);
  }
}

/** Every `iss` that stands for this issuer. Google's tokens name it with and without the scheme. */
export function namesOf({ kind, issuer }: Issuer): readonly string[] {
  return kind === 'google' ? [issuer, new URL(issuer).host] : [issuer];
}

/** The scope as requested from this issuer; undefined if it has no word for it. */
export function wordOf(scope: Scope, issuer: Issuer): string | undefined {
  return issuer.kind === 'google' ? undefined : wordsFor(scope, issuer)[0];
}
