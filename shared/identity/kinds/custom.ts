import type { JWTPayload } from 'jose';
import * as v from 'valibot';
import { issuerUrl } from '../issuerUrl.ts';
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
  /** A list of ids. */
  groupsClaim: v.optional(claimName),
  scopeClaim: v.optional(claimName, 'scope'),
  readScope: scopeWords,
  writeScope: scopeWords,
  adminScope: v.optional(scopeWords),
});

export function customBearer(
  payload: JWTPayload,
  issuer: v.InferOutput<typeof customSchema>,
): Bearer | undefined {
  const { principalClaim, principalType, groupsClaim, scopeClaim } = issuer;
  const claim = payload[principalClaim];
  const principal = principalType ? principalOf(principalType, claim) : parsePrincipal(claim);
  if (!principal) return undefined;
  const groups = groupsClaim === undefined ? [] : groupsOf(payload[groupsClaim]);
  return { principal, groups, scopes: scopesOf(issuer, payload[scopeClaim]) };
}
