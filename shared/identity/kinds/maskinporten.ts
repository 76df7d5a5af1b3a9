import type { JWTPayload } from 'jose';
import * as v from 'valibot';
import { issuerUrl } from '../issuer-url.ts';
import { principalOf } from '../principal.ts';
import { scopesOf, scopeWords } from '../scopes.ts';
import { audience, type Bearer, commonFields } from './kind.ts';

/**
 * Maskinporten, which signs for organisations:
 * https://docs.digdir.no/docs/Maskinporten/maskinporten_protocol_token
 */
export const maskinportenSchema = v.strictObject({
  kind: v.literal('maskinporten'),
  issuer: v.optional(issuerUrl, 'https://maskinporten.no/'),
  ...commonFields(['RS256']),
  /** Where it is absent, tokens that are restricted to no audience are taken, and no others. */
  audience: v.optional(audience),
  readScope: v.optional(scopeWords, 'nav:helse:helseopplysninger.read'),
  writeScope: v.optional(scopeWords, 'nav:helse:helseopplysninger.write'),
  adminScope: v.optional(scopeWords),
});

/** The scheme of organisation numbers in Norway (ISO 6523), and one of them. */
const NORWEGIAN = /^0192:(\d{9})$/;

export function maskinportenBearer(
  payload: JWTPayload,
  issuer: v.InferOutput<typeof maskinportenSchema>,
): Bearer | undefined {
  const principal = principalOf('org', consumerOf(payload['consumer']));
  return principal && { principal, groups: [], scopes: scopesOf(issuer, payload['scope']) };
}

/** The organisation that is responsible; a supplier that acts for it is not asked about. */
function consumerOf(claim: unknown): string | undefined {
  const { authority, ID } = (claim ?? {}) as Readonly<Record<string, unknown>>;
  if (authority !== 'iso6523-actorid-upis' || typeof ID !== 'string') return undefined;
  return NORWEGIAN.exec(ID)?.[1];
}
