import type { JWTPayload } from 'jose';
import * as v from 'valibot';
import { SCOPES, type Scope } from '../caller.ts';
import { issuerUrl } from '../issuer-url.ts';
import { type Principal, principalOf } from '../principal.ts';
import { audience, type Bearer, commonFields } from './kind.ts';

/** Told from the ids of other issuers' users by its @. */
const ADDRESS = /^[^@]+@[^@]+$/;

const lowerCase = v.pipe(
  v.string(),
  v.transform((text) => text.toLowerCase()),
);

/** ID tokens carry no scopes, so the configuration says who has which. */
const grant = v.pipe(
  v.strictObject({
    principal: v.optional(
      v.pipe(lowerCase, v.regex(/^user:[^@]+@[^@]+$/, 'should be user:<e-mail address>')),
    ),
    hostedDomain: v.optional(lowerCase),
    scopes: v.pipe(
      v.array(v.picklist(SCOPES, `should be some of ${SCOPES.join(', ')}`)),
      v.minLength(1, 'should name at least one scope'),
    ),
  }),
  v.check(
    ({ principal, hostedDomain }) => (principal === undefined) !== (hostedDomain === undefined),
    'should name either a principal or a hostedDomain',
  ),
);
type Grant = v.InferOutput<typeof grant>;

/**
 * Google, whose ID tokens name users and service accounts by e-mail address:
 * https://developers.google.com/identity/gsi/web/guides/verify-google-id-token
 */
export const googleSchema = v.strictObject({
  kind: v.literal('google'),
  issuer: v.optional(issuerUrl, 'https://accounts.google.com'),
  ...commonFields(['RS256']),
  audience,
  grants: v.pipe(v.array(grant), v.minLength(1, 'should hold at least one grant')),
});

export function googleBearer(
  { email, email_verified: verified, hd }: JWTPayload,
  { grants }: v.InferOutput<typeof googleSchema>,
): Bearer | undefined {
  if (typeof email !== 'string' || !ADDRESS.test(email) || verified !== true) return undefined;
  const address = email.toLowerCase();
  const hostedDomain = typeof hd === 'string' ? hd.toLowerCase() : undefined;
  if (hostedDomain === undefined && !isGoogles(address)) return undefined;
  const principal = principalOf('user', address);
  return principal && { principal, groups: [], scopes: granted(grants, principal, hostedDomain) };
}

/**
 * Whether Google hosts the address. For any other address that no Workspace domain hosts, Google knows only its former
 * holder: it was verified when the account was made, and may belong to somebody else by now.
 */
function isGoogles(address: string): boolean {
  return address.endsWith('@gmail.com') || address.endsWith('.gserviceaccount.com');
}

function granted(
  grants: readonly Grant[],
  principal: Principal,
  hostedDomain: string | undefined,
): ReadonlySet<Scope> {
  const theirs = grants.filter((grant) =>
    grant.principal === undefined ? grant.hostedDomain === hostedDomain : grant.principal === principal,
  );
  return new Set(theirs.flatMap(({ scopes }) => scopes));
}
