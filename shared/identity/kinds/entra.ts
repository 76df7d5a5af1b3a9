import type { JWTPayload } from 'jose';
import * as v from 'valibot';
import { issuerUrl } from '../issuer-url.ts';
import { groupsOf, type Principal, principalOf } from '../principal.ts';
import { scopesOf, scopeWords } from '../scopes.ts';
import { audience, type Bearer, commonFields } from './kind.ts';

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A tenant is named: these stand for any tenant, and nobody signs as them. */
const ANY_TENANT = /\/(common|organizations|consumers)(\/|$)/;

/**
 * One tenant of Microsoft Entra ID (Azure AD), which signs for users and for applications:
 * https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
 */
export const entraSchema = v.strictObject({
  kind: v.literal('entra'),
  issuer: v.pipe(
    issuerUrl,
    v.check((url) => !ANY_TENANT.test(url), 'should name one tenant by its id'),
  ),
  ...commonFields(['RS256']),
  /** The client id of the API. */
  audience,
  readScope: scopeWords,
  writeScope: scopeWords,
  adminScope: v.optional(scopeWords),
});

export function entraBearer(
  payload: JWTPayload,
  issuer: v.InferOutput<typeof entraSchema>,
): Bearer | undefined {
  const principal = isOfApplication(payload) ? applicationOf(payload) : userOf(payload);
  if (!principal) return undefined;
  // Of more than 200 groups a token has none, only the place where to ask for them. A tenant may be set up to send
  // names, which anybody in it may choose: they stand for nobody here.
  const groups = groupsOf(payload['groups'], guidOf);
  return { principal, groups, scopes: scopesOf(issuer, payload['scp'], payload['roles']) };
}

/**
 * An application that acts for itself. The optional claim `idtyp` says so; without it, a token that has no `scp` and
 * whose subject is the same for every audience. An ID token of a user has no `scp` either, and is neither.
 */
function isOfApplication({ idtyp, scp, oid, sub }: JWTPayload): boolean {
  if (idtyp !== undefined) return idtyp === 'app';
  return scp === undefined && oid !== undefined && oid === sub;
}

/** `azp` in tokens of version 2.0, `appid` in those of 1.0. */
function applicationOf({ azp, appid }: JWTPayload): Principal | undefined {
  return principalOf('app', guidOf(azp ?? appid));
}

function userOf({ scp, oid }: JWTPayload): Principal | undefined {
  return typeof scp === 'string' ? principalOf('user', guidOf(oid)) : undefined;
}

function guidOf(claim: unknown): string | undefined {
  return typeof claim === 'string' && GUID.test(claim) ? claim.toLowerCase() : undefined;
}
