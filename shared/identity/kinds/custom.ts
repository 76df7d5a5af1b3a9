import type { JWTPayload } from 'jose';
import * as v from 'valibot';
import { issuerUrl } from '../issuer-url.ts';
import { groupsOf, PRINCIPAL_TYPES, parsePrincipal, principalOf } from '../principal.ts';
import { scopesOf, scopeWords } from '../scopes.ts';
import { audience, type Bearer, commonFields } from './kind.ts';

const claimName = v.pipe(v.string('should be the name of a claim'), v.minLength(1));

/** Any other issuer: the configuration says which claim means what. */
export const customSchema = v.strictObject({
  kind: v.literal('custom'),
  issuer: issuerUrl,
  ...commonFields(),
  audience,
  principalClaim: claimName,
  /** Where the claim holds an id alone. Without it, the claim holds a whole principal, such as `org:889640782`. */
  principalType: v.optional(v.picklist(PRINCIPAL_TYPES, `should be one of ${PRINCIPAL_TYPES.join(', ')}`)),
  /** Set before the ids of users, apps and groups, so that they are not those of another issuer. */
  namespace: v.optional(
    v.pipe(
      v.string('should be a short name'),
      v.regex(/^([A-Za-z0-9][A-Za-z0-9._-]{0,31})?$/, 'should be at most 32 of A-Z a-z 0-9 . _ -'),
    ),
  ),
  /** A list of ids. */
  groupsClaim: v.optional(claimName),
  scopeClaim: v.optional(claimName, 'scope'),
  readScope: scopeWords,
  writeScope: scopeWords,
  adminScope: v.optional(scopeWords),
});

type Custom = v.InferOutput<typeof customSchema>;

export function customBearer(payload: JWTPayload, issuer: Custom): Bearer | undefined {
  const { principalClaim, principalType, groupsClaim, scopeClaim } = issuer;
  const claim = payload[principalClaim];
  const principal = principalType
    ? principalOf(principalType, principalType === 'org' ? claim : named(issuer, claim))
    : parsePrincipal(claim);
  if (!principal) return undefined;
  const groups =
    groupsClaim === undefined ? [] : groupsOf(payload[groupsClaim], (entry) => named(issuer, entry));
  return { principal, groups, scopes: scopesOf(issuer, payload[scopeClaim]) };
}

/** Whether it puts ids that it chose after `user:`, `app:` or `group:`. Numbers of organisations are a register's. */
export function choosesNames({ principalType, groupsClaim }: Custom): boolean {
  return (principalType !== undefined && principalType !== 'org') || groupsClaim !== undefined;
}

function named({ namespace }: Custom, id: unknown): unknown {
  return namespace && typeof id === 'string' && id !== '' ? `${namespace}:${id}` : id;
}
