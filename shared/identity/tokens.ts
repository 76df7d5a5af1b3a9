import type { JWTPayload, JWTVerifyGetKey } from 'jose';
// Not 'jose' as a whole: its 46 modules are a tenth of a cold start, and most of them sign or encrypt.
import * as errors from 'jose/errors';
import { jwtVerify } from 'jose/jwt/verify';
import type { Caller, Scope } from './caller.ts';
import { bearerOf, type Issuer, namesOf, wordOf } from './issuers.ts';
import { isDevelopmentUrl } from './issuerUrl.ts';
import { issuerKeys } from './keys.ts';

/** Why a token was refused. */
export type Refusal =
  | 'malformed'
  | 'oversized'
  | 'unknownIssuer'
  | 'badSignature'
  | 'wrongAudience'
  | 'expired'
  | 'notYetValid'
  | 'badClaims'
  | 'nobody';

/** Room for the 200 groups that Entra ID puts into a token, below the 16 KiB that Node allows for all headers. */
const MAX_TOKEN_LENGTH = 14 * 1024;

interface Trusted {
  readonly issuer: Issuer;
  readonly names: readonly string[];
  readonly keys: JWTVerifyGetKey;
}

/** Verifies access tokens (RFC 7519) against the issuers that the configuration trusts. */
export class TokenVerifier {
  readonly #trusted: ReadonlyMap<string, Trusted>;

  /**
   * @param allowDevelopment whether issuers on the loopback are trusted
   * @throws {Error} where one is configured and they are not
   */
  constructor(issuers: readonly Issuer[], allowDevelopment: boolean) {
    const urls = issuers.flatMap(({ issuer, jwksUri }) => [issuer, ...(jwksUri ? [jwksUri] : [])]);
    if (!allowDevelopment && urls.some(isDevelopmentUrl)) {
      throw new Error('Configuration: TOKEN_ISSUERS names a development issuer outside local development');
    }
    const trusted = issuers.map((issuer): Trusted => {
      const keys = issuerKeys({ issuer: issuer.issuer, jwksUri: issuer.jwksUri, allowDevelopment });
      return { issuer, names: namesOf(issuer), keys };
    });
    this.#trusted = new Map(trusted.flatMap((one) => one.names.map((name) => [name, one] as const)));
  }

  /** @throws {KeysUnavailable} where the keys of its issuer cannot be had, which says nothing about the token */
  async verify(token: string): Promise<Caller | Refusal> {
    if (token.length > MAX_TOKEN_LENGTH) return 'oversized';
    const name = unverifiedIssuer(token);
    if (name === undefined) return 'malformed';
    const trusted = this.#trusted.get(name);
    if (!trusted) return 'unknownIssuer';
    try {
      return callerOf(await verified(token, trusted), trusted.issuer);
    } catch (error) {
      if (error instanceof errors.JOSEError) return refusal(error);
      throw error;
    }
  }

  /** What a client of `issuer` asks for to get a scope, such as `nav:helse:helseopplysninger.read`. */
  wordOf(scope: Scope, issuer: string): string | undefined {
    const trusted = this.#trusted.get(issuer);
    return trusted && wordOf(scope, trusted.issuer);
  }
}

async function verified(token: string, { issuer, names, keys }: Trusted): Promise<JWTPayload> {
  const { payload } = await jwtVerify(token, keys, {
    issuer: [...names],
    algorithms: issuer.algorithms,
    clockTolerance: issuer.clockToleranceSeconds,
    requiredClaims: ['exp'],
    ...(issuer.audience && { audience: issuer.audience }),
  });
  return payload;
}

/** Only chooses whose keys to verify with; nothing of it is believed. */
function unverifiedIssuer(token: string): string | undefined {
  try {
    const payload = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as JWTPayload;
    return typeof payload.iss === 'string' ? payload.iss : undefined;
  } catch {
    return undefined;
  }
}

function callerOf(payload: JWTPayload, issuer: Issuer): Caller | Refusal {
  if (!issuer.audience && !namesNoAudience(payload)) return 'wrongAudience';
  const bearer = bearerOf(payload, issuer);
  if (!bearer) return 'nobody';
  const { principal, groups, scopes } = bearer;
  const tokenId = tokenIdOf(payload['jti'] ?? payload['uti']);
  return {
    principal,
    principals: new Set([principal, ...groups]),
    scopes,
    issuer: issuer.issuer,
    ...(tokenId !== undefined && { tokenId }),
  };
}

/** Maskinporten leaves `aud` out, or says `unspecified`, unless the client asked for a restricted token. */
function namesNoAudience({ aud }: JWTPayload): boolean {
  return aud === undefined || aud === 'unspecified';
}

/** It goes into a log, so it has to be short and plain. */
function tokenIdOf(claim: unknown): string | undefined {
  return typeof claim === 'string' && /^[\x21-\x7e]{1,128}$/.test(claim) ? claim : undefined;
}

function refusal(error: errors.JOSEError): Refusal {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'aud') return 'wrongAudience';
    return error.claim === 'nbf' && error.reason === 'check_failed' ? 'notYetValid' : 'badClaims';
  }
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return 'malformed';
  return 'badSignature';
}
