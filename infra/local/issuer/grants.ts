import { randomBytes } from 'node:crypto';
import { decodeJwt } from 'jose';
import { type Principal, parsePrincipal } from '../../../shared/identity/principal.ts';
import { Codes, type Grant } from './codes.ts';
import { type Issuer, SCOPES, type Scope } from './issuer.ts';
import { challengeOf, OAuthError, required, scopesIn } from './parameters.ts';

const DEVICE_SECONDS = 600;
/** Seconds between two questions of a device. */
const INTERVAL_SECONDS = 1;
const TOKEN_SECONDS = 3600;

/** No vowels, so that no code is a word (RFC 8628 section 6.1). */
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ';

interface Device {
  readonly clientId: string;
  readonly scopes: readonly Scope[];
  readonly challenge: string | undefined;
  readonly expiresAt: number;
  askedAt: number;
  decision?: Principal | 'denied';
}

type Parameters = URLSearchParams;

/**
 * The grants by which a command line or a page logs in. Like the issuer, they trust anyone: a secret or an assertion is not
 * verified, and a client is the principal that its id names, or `app:` with it. Codes and refresh tokens are good once.
 */
export class Grants {
  /** Redeemed by the grant `authorization_code`. */
  readonly codes = new Codes((grant) => this.#forget(grant));
  readonly #issuer: Issuer;
  readonly #devices = new Map<string, Device>();
  /** Device codes by the code that a person enters. */
  readonly #userCodes = new Map<string, string>();
  readonly #refreshTokens = new Map<string, Grant>();

  constructor(issuer: Issuer) {
    this.#issuer = issuer;
  }

  /** RFC 8628 section 3.2. @throws {OAuthError} */
  device(parameters: Parameters, activateUrl: string): object {
    const clientId = required(parameters, 'client_id');
    const challenge = parameters.get('code_challenge') ?? undefined;
    if (challenge !== undefined && parameters.get('code_challenge_method') !== 'S256')
      throw new OAuthError('invalid_request', 'The code challenge method is S256.');
    const deviceCode = randomBytes(32).toString('base64url');
    const userCode = newUserCode();
    const expiresAt = Date.now() + DEVICE_SECONDS * 1000;
    const scopes = scopesIn(parameters);
    this.#devices.set(deviceCode, { clientId, scopes, challenge, expiresAt, askedAt: 0 });
    this.#userCodes.set(userCode, deviceCode);
    return {
      device_code: deviceCode,
      user_code: userCode,
      verification_uri: activateUrl,
      verification_uri_complete: `${activateUrl}?user_code=${userCode}`,
      expires_in: DEVICE_SECONDS,
      interval: INTERVAL_SECONDS,
    };
  }

  /** A person has entered a code. @throws {OAuthError} where nothing waits for it */
  decide(userCode: string, decision: Principal | 'denied'): void {
    const device = this.#devices.get(this.#userCodes.get(userCode.trim().toUpperCase()) ?? '');
    if (!device || device.decision || Date.now() > device.expiresAt)
      throw new OAuthError('invalid_request', 'Nothing waits for this code.');
    device.decision = decision;
  }

  /** The token endpoint. @throws {OAuthError} */
  async token(parameters: Parameters): Promise<object> {
    switch (parameters.get('grant_type')) {
      case 'authorization_code': {
        const { grant, isOffline, idToken } = this.codes.redeem(parameters);
        const answer = await this.#answer(grant, isOffline);
        if (!idToken) return answer;
        const { principal, groups, clientId } = grant;
        return { ...answer, id_token: await this.#issuer.idToken(principal, clientId, groups, idToken) };
      }
      case 'urn:ietf:params:oauth:grant-type:device_code':
        return this.#answer(this.#deviceGrant(parameters), true);
      case 'refresh_token':
        return this.#answer(this.#refreshGrant(parameters), true);
      case 'client_credentials': {
        const clientId = required(parameters, 'client_id');
        return this.#answer(
          { clientId, principal: principalOf(clientId), scopes: scopesIn(parameters) },
          false,
        );
      }
      case 'urn:ietf:params:oauth:grant-type:jwt-bearer':
        return this.#answer(this.#assertionGrant(parameters), false);
      default:
        throw new OAuthError('unsupported_grant_type', 'This grant is not offered.');
    }
  }

  /** RFC 7009: a token that is unknown is revoked too. */
  revoke(parameters: Parameters): void {
    this.#refreshTokens.delete(required(parameters, 'token'));
  }

  /** Revokes what came of a grant. */
  #forget(grant: Grant): void {
    for (const [token, of] of this.#refreshTokens) if (of === grant) this.#refreshTokens.delete(token);
  }

  #deviceGrant(parameters: Parameters): Grant {
    const code = required(parameters, 'device_code');
    const device = this.#devices.get(code);
    if (!device || device.clientId !== parameters.get('client_id'))
      throw new OAuthError('invalid_grant', 'There is no such device code.');
    const now = Date.now();
    if (now > device.expiresAt) throw new OAuthError('expired_token', 'The code has expired.');
    const isEarly = now - device.askedAt < INTERVAL_SECONDS * 900;
    device.askedAt = now;
    if (isEarly) throw new OAuthError('slow_down', `Ask every ${INTERVAL_SECONDS} s.`);
    const { decision, challenge, clientId, scopes } = device;
    if (!decision) throw new OAuthError('authorization_pending', 'Nobody has entered the code yet.');
    this.#devices.delete(code);
    if (decision === 'denied') throw new OAuthError('access_denied', 'The person has said no.');
    if (challenge !== undefined && challenge !== challengeOf(parameters.get('code_verifier') ?? ''))
      throw new OAuthError('invalid_grant', 'The code verifier is not that of the challenge.');
    return { clientId, scopes, principal: decision };
  }

  #refreshGrant(parameters: Parameters): Grant {
    const token = required(parameters, 'refresh_token');
    const grant = this.#refreshTokens.get(token);
    this.#refreshTokens.delete(token);
    if (!grant || grant.clientId !== parameters.get('client_id'))
      throw new OAuthError('invalid_grant', 'The refresh token is not good, or no longer.');
    return grant;
  }

  #assertionGrant(parameters: Parameters): Grant {
    const { iss, aud, exp, scope } = decoded(required(parameters, 'assertion'));
    if (!iss || aud !== this.#issuer.url || !exp || exp * 1000 < Date.now())
      throw new OAuthError('invalid_grant', `The assertion needs iss, exp, and the aud ${this.#issuer.url}.`);
    const asked = new URLSearchParams(typeof scope === 'string' ? { scope } : {});
    return { clientId: iss, principal: principalOf(iss), scopes: scopesIn(asked) };
  }

  async #answer(grant: Grant, isRefreshed: boolean): Promise<object> {
    const { principal, groups = [], scopes } = grant;
    const refreshToken = isRefreshed ? randomBytes(32).toString('base64url') : undefined;
    if (refreshToken) this.#refreshTokens.set(refreshToken, grant);
    return {
      access_token: await this.#issuer.token(principal, scopes, { groups, expiresInSeconds: TOKEN_SECONDS }),
      token_type: 'Bearer',
      expires_in: TOKEN_SECONDS,
      scope: scopes.map((scope) => SCOPES[scope]).join(' '),
      ...(refreshToken && { refresh_token: refreshToken }),
    };
  }
}

function principalOf(clientId: string): Principal {
  const principal = parsePrincipal(clientId) ?? parsePrincipal(`app:${clientId}`);
  if (!principal) throw new OAuthError('invalid_client', 'The client id cannot be part of a principal.');
  return principal;
}

function decoded(assertion: string) {
  try {
    return decodeJwt(assertion);
  } catch {
    throw new OAuthError('invalid_grant', 'The assertion is no JWT.');
  }
}

function newUserCode(): string {
  const letters = Array.from(randomBytes(8), (byte) => LETTERS[byte % LETTERS.length]);
  return `${letters.slice(0, 4).join('')}-${letters.slice(4).join('')}`;
}
