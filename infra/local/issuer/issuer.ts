import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { type IssuerKey, issuerKey } from './issuer-key.ts';

/** The audience of the development issuer's tokens, which the functions are configured to accept. */
export const AUDIENCE = 'hops-fileshare';
export const SCOPES = {
  read: 'fileshare.read',
  write: 'fileshare.write',
  admin: 'fileshare.admin',
} as const;
export const PRINCIPAL_CLAIM = 'principal';
export const GROUPS_CLAIM = 'groups';
export const ISSUER_PATH = '/local/issuer';
export const JWKS_PATH = `${ISSUER_PATH}/jwks`;

export type Scope = keyof typeof SCOPES;
const ALL_SCOPES: readonly Scope[] = ['read', 'write', 'admin'];
/** Scopes of most callers; administrators ask for more. */
export const USUAL_SCOPES: readonly Scope[] = ['read', 'write'];

const LIFETIME_SECONDS = 3600;
const MAX_LIFETIME_SECONDS = 365 * 24 * 3600;

interface TokenOptions {
  /** Ids of groups, such as `nurses` or `group:nurses`. */
  readonly groups?: readonly string[];
  /** Lifetime from now on; negative for a token that has expired. An hour by default. */
  readonly expiresInSeconds?: number;
}

/** Stands in for Maskinporten and Azure AD on one machine: it signs for anyone who asks. */
export interface Issuer {
  /** The `iss` of its tokens. */
  readonly url: string;
  readonly jwks: { readonly keys: readonly IssuerKey['publicJwk'][] };
  /** A JWT for a principal such as `org:889640782`; to read and write by default. */
  token(principal: string, scopes?: readonly Scope[], options?: TokenOptions): Promise<string>;
  /** An ID token (OpenID Connect Core 1.0 section 2) for a client. */
  idToken(
    principal: string,
    clientId: string,
    groups?: readonly string[],
    claims?: Readonly<Record<string, string | number>>,
  ): Promise<string>;
}

/** The issuer of the platform at `gatewayUrl`, with the key kept in `folder`. */
export async function createIssuer(folder: string, gatewayUrl: string): Promise<Issuer> {
  const { kid, publicJwk, privateKey } = await issuerKey(folder);
  const url = gatewayUrl + ISSUER_PATH;
  const sign = (principal: string, audience: string, seconds: number, claims: Record<string, unknown>) => {
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ ...claims, [PRINCIPAL_CLAIM]: principal })
      .setProtectedHeader({ alg: 'ES256', kid, typ: 'JWT' })
      .setIssuer(url)
      .setAudience(audience)
      .setSubject(principal)
      .setJti(randomUUID())
      .setIssuedAt(now)
      .setExpirationTime(now + seconds)
      .sign(privateKey);
  };
  return {
    url,
    jwks: { keys: [publicJwk] },
    token: (principal, scopes = USUAL_SCOPES, { groups, expiresInSeconds = LIFETIME_SECONDS } = {}) => {
      const scope = scopes.map((scope) => SCOPES[scope]).join(' ');
      return sign(principal, AUDIENCE, expiresInSeconds, { scope, ...groupsClaim(groups) });
    },
    idToken: (principal, clientId, groups, claims) =>
      sign(principal, clientId, LIFETIME_SECONDS, { ...claims, ...groupsClaim(groups) }),
  };
}

function groupsClaim(groups: readonly string[] = []): Record<string, unknown> {
  return groups.length > 0 ? { [GROUPS_CLAIM]: groups.map((group) => group.replace(/^group:/, '')) } : {};
}

/** Some of `read`, `write` and `admin`, with spaces (or plus signs, undecoded) between, or undefined where it is none. */
export function parseScopes(text: string): readonly Scope[] | undefined {
  const words = text.split(/[\s+,]+/).filter(Boolean);
  const scopes = ALL_SCOPES.filter((scope) => words.includes(scope) || words.includes(SCOPES[scope]));
  const known = words.every((word) => ALL_SCOPES.some((scope) => word === scope || word === SCOPES[scope]));
  return known && scopes.length > 0 ? scopes : undefined;
}

/** Whole seconds, a year at most; undefined where it is no such number. */
export function parseExpiry(text: string): number | undefined {
  const seconds = /^-?\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return Math.abs(seconds) <= MAX_LIFETIME_SECONDS ? seconds : undefined;
}
