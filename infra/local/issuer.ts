import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { type IssuerKey, issuerKey } from './issuer-key.ts';

/** What the development issuer signs for, and what the functions are configured to accept. */
export const AUDIENCE = 'hops-fileshare';
export const SCOPES = { read: 'fileshare.read', write: 'fileshare.write' } as const;
export const PRINCIPAL_CLAIM = 'principal';
export const ISSUER_PATH = '/local/issuer';
export const JWKS_PATH = `${ISSUER_PATH}/jwks`;

export type Scope = keyof typeof SCOPES;
const ALL_SCOPES: readonly Scope[] = ['read', 'write'];

const LIFETIME = '1h';

/** Stands in for Maskinporten and Azure AD on one machine: it signs for whoever asks. */
export interface Issuer {
  /** The `iss` of its tokens. */
  readonly url: string;
  readonly jwks: { readonly keys: readonly IssuerKey['publicJwk'][] };
  /** A JWT for a principal such as `org:889640782`, good for an hour. */
  token(principal: string, scopes?: readonly Scope[]): Promise<string>;
}

/** The issuer of the platform at `gatewayUrl`, with the key kept in `folder`. */
export async function createIssuer(folder: string, gatewayUrl: string): Promise<Issuer> {
  const { kid, publicJwk, privateKey } = await issuerKey(folder);
  const url = gatewayUrl + ISSUER_PATH;
  return {
    url,
    jwks: { keys: [publicJwk] },
    token: (principal, scopes = ALL_SCOPES) =>
      new SignJWT({ [PRINCIPAL_CLAIM]: principal, scope: scopes.map((scope) => SCOPES[scope]).join(' ') })
        .setProtectedHeader({ alg: 'ES256', kid, typ: 'JWT' })
        .setIssuer(url)
        .setAudience(AUDIENCE)
        .setSubject(principal)
        .setIssuedAt()
        .setJti(randomUUID())
        .setExpirationTime(LIFETIME)
        .sign(privateKey),
  };
}

/** `read`, `write`, both with a space (or a plus sign, undecoded) between, or undefined where it is neither. */
export function parseScopes(text: string): readonly Scope[] | undefined {
  const words = text.split(/[\s+,]+/).filter(Boolean);
  const scopes = ALL_SCOPES.filter((scope) => words.includes(scope) || words.includes(SCOPES[scope]));
  const known = words.every((word) => ALL_SCOPES.some((scope) => word === scope || word === SCOPES[scope]));
  return known && scopes.length > 0 ? scopes : undefined;
}
