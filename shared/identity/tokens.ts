import { hash } from 'node:crypto';
import type { FlattenedJWSInput, JWTHeaderParameters, JWTPayload, JWTVerifyGetKey } from 'jose';
// Not 'jose' as a whole: its 46 modules are a tenth of a cold start, and most of them sign or encrypt.
import * as errors from 'jose/errors';
import { jwtVerify } from 'jose/jwt/verify';
import { defined } from '../runtime/defined.ts';
import type { Caller, Scope } from './caller.ts';
import { isDevelopmentUrl } from './issuer-url.ts';
import { bearerOf, type Issuer, namesOf, wordOf } from './issuers.ts';
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

/** Tokens that are remembered. */
const MOST_KNOWN = 1_000;
/** Stands for the token where its key is looked for, which goes by the header alone. */
const UNREAD: FlattenedJWSInput = { payload: '', signature: '' };

interface Trusted {
  readonly issuer: Issuer;
  readonly names: readonly string[];
  readonly keys: JWTVerifyGetKey;
}

/** A token that was found good, and by which key. */
interface Known {
  readonly caller: Caller;
  readonly header: JWTHeaderParameters;
  readonly key: unknown;
  readonly keys: JWTVerifyGetKey;
  /** Milliseconds since 1970 at which it expires. */
  readonly until: number;
}

/**
 * Verifies access tokens (RFC 7519) against the issuers that the configuration trusts. A client sends the same one for
 * minutes, and its signature is worked out once for as long as the issuer's key is the same and still believed: it is as much
 * work as all else of a small request.
 */
export class TokenVerifier {
  readonly #trusted: ReadonlyMap<string, Trusted>;
  /** Verified tokens by the SHA-256 of the token, so that no token is kept. */
  readonly #known = new Map<string, Known>();

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
    const digest = hash('sha256', token, 'base64');
    const known = this.#known.get(digest);
    if (known && (await isStillGood(known))) return known.caller;
    this.#known.delete(digest);
    const name = unverifiedIssuer(token);
    if (name === undefined) return 'malformed';
    const trusted = this.#trusted.get(name);
    if (!trusted) return 'unknownIssuer';
    try {
      const { payload, protectedHeader: header, key } = await verified(token, trusted);
      const caller = callerOf(payload, trusted.issuer);
      if (typeof caller !== 'string')
        this.#remember(digest, { caller, header, key, ...lifeOf(payload, trusted) });
      return caller;
    } catch (error) {
      if (error instanceof errors.JOSEError) return refusal(error);
      throw error;
    }
  }

  #remember(digest: string, known: Known): void {
    this.#known.set(digest, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST_KNOWN && oldest !== undefined) this.#known.delete(oldest);
  }

  /** The scope that a client of `issuer` asks for, such as `nav:helse:helseopplysninger.read`. */
  wordOf(scope: Scope, issuer: string): string | undefined {
    const trusted = this.#trusted.get(issuer);
    return trusted && wordOf(scope, trusted.issuer);
  }
}

function verified(token: string, { issuer, names, keys }: Trusted) {
  return jwtVerify(token, keys, {
    issuer: [...names],
    algorithms: issuer.algorithms,
    clockTolerance: issuer.clockToleranceSeconds,
    requiredClaims: ['exp'],
    ...(issuer.audience && { audience: issuer.audience }),
  });
}

function lifeOf({ exp = 0 }: JWTPayload, { issuer, keys }: Trusted): Pick<Known, 'keys' | 'until'> {
  return { keys, until: (exp + issuer.clockToleranceSeconds) * 1000 };
}

/** The full check reports keys that cannot be had. */
async function isStillGood({ header, key, keys, until }: Known): Promise<boolean> {
  if (Date.now() >= until) return false;
  return (await Promise.resolve(keys(header, UNREAD)).catch(() => undefined)) === key;
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
    ...defined({ tokenId }),
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
