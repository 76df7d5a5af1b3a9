import { randomBytes } from 'node:crypto';
import type { Principal } from '../../../shared/identity/principal.ts';
import type { Scope } from './issuer.ts';
import { challengeOf, OAuthError, optional, required } from './parameters.ts';

/** Milliseconds. RFC 6749 section 4.1.2 allows ten minutes; a page is back at once. */
const CODE_MS = 60_000;
/** Milliseconds for which a code is known after its end, so that a replay is seen. */
const REMEMBERED_MS = 600_000;

/** The rights for which a client may have tokens. */
export interface Grant {
  readonly principal: Principal;
  readonly groups?: readonly string[];
  readonly scopes: readonly Scope[];
  readonly clientId: string;
}

/** A login that a client may have a token for. */
export interface Authorization {
  readonly grant: Grant;
  readonly redirectUri: string;
  /** S256. */
  readonly challenge: string;
  /** Whether a refresh token was asked for (OpenID Connect Core 1.0 section 11). */
  readonly isOffline: boolean;
  /** Claims of the ID token; undefined without the scope `openid`. */
  readonly idToken: { readonly nonce?: string; readonly auth_time: number } | undefined;
}

interface Code {
  readonly authorization: Authorization;
  readonly expiresAt: number;
  isUsed: boolean;
}

/** Authorization codes with PKCE (RFC 6749 section 4.1, RFC 7636): good once, for a minute, for one client. */
export class Codes {
  readonly #codes = new Map<string, Code>();
  readonly #replayed: (grant: Grant) => void;
  readonly #now: () => number;

  /**
   * @param replayed is told what came of a code that comes twice, so that it is revoked
   * @param now milliseconds since 1970
   */
  constructor(replayed: (grant: Grant) => void, now = Date.now) {
    this.#replayed = replayed;
    this.#now = now;
  }

  issue(authorization: Authorization): string {
    const now = this.#now();
    for (const [code, { expiresAt }] of this.#codes) {
      if (now > expiresAt + REMEMBERED_MS) this.#codes.delete(code);
    }
    const code = randomBytes(32).toString('base64url');
    this.#codes.set(code, { authorization, expiresAt: now + CODE_MS, isUsed: false });
    return code;
  }

  /** @throws {OAuthError} */
  redeem(parameters: URLSearchParams): Authorization {
    const clientId = required(parameters, 'client_id');
    const code = this.#codes.get(required(parameters, 'code'));
    const verifier = optional(parameters, 'code_verifier') ?? '';
    const { authorization } = code ?? {};
    if (!code || !authorization || authorization.grant.clientId !== clientId)
      throw new OAuthError('invalid_grant', 'There is no such code.');
    if (authorization.redirectUri !== optional(parameters, 'redirect_uri'))
      throw new OAuthError('invalid_grant', 'The redirect URI is not that of the authorization request.');
    if (!/^[\w.~-]{43,128}$/.test(verifier) || challengeOf(verifier) !== authorization.challenge)
      throw new OAuthError('invalid_grant', 'The code verifier is not that of the challenge.');
    if (code.isUsed) {
      this.#replayed(authorization.grant);
      throw new OAuthError('invalid_grant', 'The code was used before.');
    }
    if (this.#now() > code.expiresAt) throw new OAuthError('invalid_grant', 'The code has expired.');
    code.isUsed = true;
    return authorization;
  }
}
