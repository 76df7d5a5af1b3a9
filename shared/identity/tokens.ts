import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import * as v from 'valibot';
import type { Caller, Scope } from './caller.ts';
import { parsePrincipal } from './principal.ts';

const LOOPBACK = /^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(\/|$)/;

/** Keys come over https; an issuer on the loopback is a development issuer and needs `allowDevelopment`. */
const secureUrl = v.pipe(
  v.string('should be a URL'),
  v.check((url) => url.startsWith('https://') || LOOPBACK.test(url), 'should be an https URL'),
);

const issuerSchema = v.strictObject({
  issuer: secureUrl,
  jwksUri: secureUrl,
  audience: v.pipe(v.string(), v.minLength(1)),
  /** The claim that holds the principal, such as `org:889640782`. */
  principalClaim: v.pipe(v.string(), v.minLength(1)),
  readScope: v.pipe(v.string(), v.minLength(1)),
  writeScope: v.pipe(v.string(), v.minLength(1)),
});

export const issuersSchema = v.pipe(v.array(issuerSchema), v.minLength(1, 'should name at least one issuer'));

export type Issuer = v.InferOutput<typeof issuerSchema>;

/** Why a token was refused; `unavailable` means that its keys could not be had, and says nothing about it. */
export type Refusal = 'missing' | 'invalid' | 'expired' | 'unavailable';

/** Asymmetric signatures only: with a shared secret, whoever verifies could also mint. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA'];
const MAX_TOKEN_LENGTH = 8 * 1024;
const MAX_TOKEN_ID_LENGTH = 128;

/** Verifies bearer tokens (RFC 6750, RFC 7519) against the issuers that the configuration trusts. */
export class TokenVerifier {
  readonly #issuers: ReadonlyMap<string, { issuer: Issuer; keys: JWTVerifyGetKey }>;

  /**
   * @param allowDevelopment whether issuers on the loopback are trusted
   * @throws {Error} where one is configured and they are not
   */
  constructor(issuers: readonly Issuer[], allowDevelopment: boolean) {
    const development = issuers.find(
      ({ issuer, jwksUri }) => LOOPBACK.test(issuer) || LOOPBACK.test(jwksUri),
    );
    if (development && !allowDevelopment) {
      throw new Error('Configuration: TOKEN_ISSUERS names a development issuer outside local development');
    }
    this.#issuers = new Map(
      issuers.map((issuer) => [issuer.issuer, { issuer, keys: createRemoteJWKSet(new URL(issuer.jwksUri)) }]),
    );
  }

  async verify(authorization: string | undefined): Promise<Caller | Refusal> {
    const token = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(authorization ?? '')?.[1];
    if (!token) return authorization === undefined ? 'missing' : 'invalid';
    if (token.length > MAX_TOKEN_LENGTH) return 'invalid';
    const trusted = this.#issuers.get(unverifiedIssuer(token));
    if (!trusted) return 'invalid';
    const { issuer, keys } = trusted;
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: issuer.issuer,
        audience: issuer.audience,
        algorithms: ALGORITHMS,
        clockTolerance: 30,
        requiredClaims: ['exp'],
      });
      return callerOf(payload, issuer) ?? 'invalid';
    } catch (error) {
      return refusal(error);
    }
  }
}

/** Only chooses whose keys to verify with; nothing of it is believed. */
function unverifiedIssuer(token: string): string {
  try {
    const payload = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as JWTPayload;
    return typeof payload.iss === 'string' ? payload.iss : '';
  } catch {
    return '';
  }
}

function callerOf(payload: JWTPayload, issuer: Issuer): Caller | undefined {
  const principal = parsePrincipal(payload[issuer.principalClaim]);
  if (!principal) return undefined;
  const granted = typeof payload['scope'] === 'string' ? payload['scope'].split(' ') : [];
  const scopes = new Set<Scope>();
  if (granted.includes(issuer.readScope)) scopes.add('read');
  if (granted.includes(issuer.writeScope)) scopes.add('write');
  const id = typeof payload.jti === 'string' ? payload.jti.slice(0, MAX_TOKEN_ID_LENGTH) : undefined;
  const token = { issuer: issuer.issuer, ...(id !== undefined && { id }) };
  return { principal, principals: new Set([principal]), scopes, token };
}

function refusal(error: unknown): Refusal {
  if (error instanceof errors.JWTExpired) return 'expired';
  const ofTheToken = error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout);
  // A key set that answers with an error is a plain JOSEError: our trouble, not the token's.
  const ofTheKeys = error instanceof errors.JOSEError && error.code === 'ERR_JOSE_GENERIC';
  return ofTheToken && !ofTheKeys ? 'invalid' : 'unavailable';
}
