import {
  type AuthorizationServer,
  allowInsecureRequests,
  authorizationCodeGrantRequest,
  calculatePKCECodeChallenge,
  discoveryRequest,
  generateRandomCodeVerifier,
  generateRandomNonce,
  generateRandomState,
  getValidatedIdTokenClaims,
  type IDToken,
  None,
  processAuthorizationCodeResponse,
  processDiscoveryResponse,
  processRefreshTokenResponse,
  processRevocationResponse,
  ResponseBodyError,
  refreshTokenGrantRequest,
  revocationRequest,
  type TokenEndpointResponse,
  validateAuthResponse,
} from 'oauth4webapi';
import { FileshareConnectionError } from '../../../../../client/src/index.ts';
import type { PageConfig } from '../../page-config.ts';

/** Milliseconds for one request to the issuer. */
const REQUEST_MS = 30_000;
/** Milliseconds for which a person waits who logs out. */
const REVOCATION_MS = 5000;
/** Milliseconds before its end at which a token is renewed: requests take time, and clocks differ. */
const SKEW_MS = 60_000;
/** Seconds that a token is good for where nothing says how long. */
const UNKNOWN_SECONDS = 300;

/** Tokens that the issuer has granted. They are kept in memory alone. */
export interface Tokens {
  readonly access: string;
  readonly refresh: string | undefined;
  /** The ID token of the login. */
  readonly id: string;
  readonly claims: IDToken;
  /** Scopes with spaces between. */
  readonly scope: string;
  /** Milliseconds since 1970 from which on the token is to be renewed. */
  readonly renewAt: number;
}

/** Random values of a login that has begun, which its answer has to fit. */
export interface Pending {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** An issuer of OpenID Connect, asked by a public client: the code flow with PKCE. */
export class Provider {
  readonly #config: PageConfig;
  readonly #server: AuthorizationServer;
  readonly #redirectUri: string;

  private constructor(config: PageConfig, server: AuthorizationServer, redirectUri: string) {
    this.#config = config;
    this.#server = server;
    this.#redirectUri = redirectUri;
  }

  /** Reads the metadata of the issuer. @throws {FileshareConnectionError}, {Error} */
  static async discover(config: PageConfig, redirectUri: string): Promise<Provider> {
    const issuer = new URL(config.issuer);
    const response = await reached(config, discoveryRequest(issuer, optionsOf(config)));
    return new Provider(config, await processDiscoveryResponse(issuer, response), redirectUri);
  }

  /** The address at which a person logs in, and what has to be remembered until they are back. */
  async authorization(prompt: string | undefined): Promise<{ readonly url: URL; readonly pending: Pending }> {
    const { clientId, scope } = this.#config;
    const pending = {
      state: generateRandomState(),
      nonce: generateRandomNonce(),
      verifier: generateRandomCodeVerifier(),
    };
    const url = new URL(this.#server.authorization_endpoint ?? '');
    const parameters = {
      client_id: clientId,
      redirect_uri: this.#redirectUri,
      response_type: 'code',
      scope,
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await calculatePKCECodeChallenge(pending.verifier),
      code_challenge_method: 'S256',
      ...this.#target(),
      ...(prompt !== undefined && { prompt }),
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return { url, pending };
  }

  /**
   * Takes the answer of a login: it has to be of this issuer, of the login that was begun, and without an error.
   * @throws {AuthorizationResponseError}, {FileshareConnectionError}, {Error}
   */
  async redeem(callback: URL, { state, nonce, verifier }: Pending): Promise<Tokens> {
    const [server, client] = [this.#server, this.#client];
    const parameters = validateAuthResponse(server, client, callback, state);
    const options = { ...optionsOf(this.#config), additionalParameters: this.#target() };
    const uri = this.#redirectUri;
    const response = await reached(
      this.#config,
      authorizationCodeGrantRequest(server, client, None(), parameters, uri, verifier, options),
    );
    const answer = await processAuthorizationCodeResponse(server, client, response, {
      expectedNonce: nonce,
      requireIdToken: true,
    });
    const claims = getValidatedIdTokenClaims(answer);
    if (!claims || answer.id_token === undefined) throw new Error('The issuer sent no ID token.');
    return this.#tokens(answer, {
      id: answer.id_token,
      claims,
      refresh: undefined,
      scope: this.#config.scope,
    });
  }

  /** @returns undefined where a person has to log in again @throws {FileshareConnectionError}, {Error} */
  async renew(tokens: Tokens): Promise<Tokens | undefined> {
    if (tokens.refresh === undefined) return undefined;
    const [server, client] = [this.#server, this.#client];
    const options = { ...optionsOf(this.#config), additionalParameters: this.#target() };
    const response = await reached(
      this.#config,
      refreshTokenGrantRequest(server, client, None(), tokens.refresh, options),
    );
    try {
      const answer = await processRefreshTokenResponse(server, client, response);
      // OpenID Connect Core 1.0 section 12.2
      const { sub = tokens.claims.sub } = getValidatedIdTokenClaims(answer) ?? {};
      return sub === tokens.claims.sub ? this.#tokens(answer, tokens) : undefined;
    } catch (error) {
      if (error instanceof ResponseBodyError && error.error === 'invalid_grant') return undefined;
      throw error;
    }
  }

  /** Ends what can be used without the person. It is as well where that fails: the page forgets the tokens. */
  async revoke({ refresh, access }: Tokens): Promise<void> {
    if (this.#server.revocation_endpoint === undefined) return;
    try {
      const token = refresh ?? access;
      const options = { ...optionsOf(this.#config), signal: AbortSignal.timeout(REVOCATION_MS) };
      const request = revocationRequest(this.#server, this.#client, None(), token, options);
      await processRevocationResponse(await request);
    } catch {
      // The token ends at its time.
    }
  }

  /** The address that ends the session with the issuer, where it has one (RP-Initiated Logout 1.0). */
  logout({ id }: Tokens): URL | undefined {
    const { end_session_endpoint } = this.#server;
    if (end_session_endpoint === undefined) return undefined;
    const url = new URL(end_session_endpoint);
    url.searchParams.set('id_token_hint', id);
    url.searchParams.set('client_id', this.#config.clientId);
    url.searchParams.set('post_logout_redirect_uri', this.#redirectUri);
    return url;
  }

  get #client() {
    return { client_id: this.#config.clientId };
  }

  /** The API that the tokens are for, in the words of RFC 8707 and of others. */
  #target(): Record<string, string> {
    const { resource, audience } = this.#config;
    return { ...(resource && { resource }), ...(audience && { audience }) };
  }

  #tokens(
    { access_token, refresh_token, expires_in = UNKNOWN_SECONDS, scope }: TokenEndpointResponse,
    before: Pick<Tokens, 'id' | 'claims' | 'refresh' | 'scope'>,
  ): Tokens {
    const { id, claims } = before;
    const lifetime = expires_in * 1000;
    return {
      access: access_token,
      refresh: refresh_token ?? before.refresh,
      id,
      claims,
      scope: scope ?? before.scope,
      // Of a short life, a part.
      renewAt: Date.now() + lifetime - Math.min(SKEW_MS, lifetime / 4),
    };
  }
}

function optionsOf({ issuer }: PageConfig) {
  return {
    [allowInsecureRequests]: issuer.startsWith('http:'),
    signal: () => AbortSignal.timeout(REQUEST_MS),
  };
}

async function reached({ issuer }: PageConfig, request: Promise<Response>): Promise<Response> {
  const response = await request.catch((cause: unknown) => {
    throw new FileshareConnectionError(`The issuer ${issuer} cannot be reached.`, { cause });
  });
  if (response.status < 500) return response;
  throw new FileshareConnectionError(`The issuer ${issuer} fails (${response.status}).`);
}
