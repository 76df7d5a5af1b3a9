import { readFile } from 'node:fs/promises';
import type * as OAuth from 'oauth4webapi';
import { FileshareConnectionError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { LoginRefused, UsageError } from '../exit.ts';
import { signedJwt, signingKey } from './jwt.ts';
import type { Profile } from './profile.ts';

/** Milliseconds for one request to an identity provider. */
const REQUEST_MS = 30_000;

/** An identity provider whose metadata was read, for one client. */
export interface Provider {
  readonly oauth: typeof OAuth;
  readonly server: OAuth.AuthorizationServer;
  readonly client: OAuth.Client;
  readonly authentication: OAuth.ClientAuth;
  readonly profile: Profile;
  readonly options: () => Options;
}

interface Options {
  readonly [OAuth.customFetch]: (target: string, init: object) => Promise<Response>;
  readonly [OAuth.allowInsecureRequests]: boolean;
  readonly signal: AbortSignal;
}

/** Settings without which nothing can be asked for. @throws {UsageError} */
export function required(profile: Profile): { readonly issuer: string; readonly clientId: string } {
  const { issuer, clientId } = profile;
  if (!issuer || !clientId)
    throw new UsageError(
      'Log in first: fileshare login --issuer URL --client-id ID. Or set FILESHARE_TOKEN.',
    );
  if (!URL.canParse(issuer) || !isTrusted(new URL(issuer)))
    throw new UsageError(`The issuer must be an https URL, not ${issuer}.`);
  return { issuer, clientId };
}

/** Whether it is on this machine, where nobody listens on the way. */
function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

function isTrusted(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url));
}

/**
 * Reads the metadata of the issuer of a profile, by OpenID Connect Discovery 1.0 or by RFC 8414.
 * @throws {UsageError}, {FileshareConnectionError}, {LoginRefused}
 */
export async function discover(context: Context, profile: Profile): Promise<Provider> {
  const { issuer, clientId } = required(profile);
  const oauth = await import('oauth4webapi');
  const url = new URL(issuer);
  const options = (): Options => ({
    [oauth.customFetch]: (target, init) => context.fetch(target, init as RequestInit),
    [oauth.allowInsecureRequests]: url.protocol === 'http:',
    signal: AbortSignal.any([context.signal, AbortSignal.timeout(REQUEST_MS)]),
  });
  const server = await asked(context, issuer, async () => {
    const request = (algorithm: 'oidc' | 'oauth2') =>
      oauth.discoveryRequest(url, { ...options(), algorithm });
    const first = await request('oidc');
    // Maskinporten has the other.
    const response = first.status === 404 ? await request('oauth2') : first;
    return oauth.processDiscoveryResponse(url, response);
  });
  const client = { client_id: clientId };
  return {
    oauth,
    server,
    client,
    authentication: await authenticationOf(oauth, context, profile),
    profile,
    options,
  };
}

/** Public clients say who they are and prove nothing. */
async function authenticationOf(
  oauth: typeof OAuth,
  { env }: Context,
  profile: Profile,
): Promise<OAuth.ClientAuth> {
  const { grant, keyFile, clientSecretFile, certificateFile } = profile;
  // RFC 7523 section 2.1: the assertion says who asks.
  if (grant === 'jwt-bearer') return () => undefined;
  if (keyFile !== undefined) {
    const key = await signingKey(profile);
    return (server, { client_id }, body) => {
      // Entra ID wants its token endpoint; the rest of the world the issuer, which no other server can have.
      const aud = certificateFile === undefined ? server.issuer : server.token_endpoint;
      body.set('client_id', client_id);
      body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
      body.set('client_assertion', signedJwt(key, { iss: client_id, sub: client_id, aud }));
    };
  }
  const fromFile =
    clientSecretFile === undefined ? undefined : (await readFile(clientSecretFile, 'utf8')).trim();
  const secret = fromFile || env['FILESHARE_CLIENT_SECRET'];
  if (!secret) return oauth.None();
  return (server, client, body, headers) => {
    // RFC 8414 section 2: Basic, unless the server says otherwise.
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const isBasic = methods.includes('client_secret_basic');
    return (isBasic ? oauth.ClientSecretBasic : oauth.ClientSecretPost)(secret)(
      server,
      client,
      body,
      headers,
    );
  };
}

/** Parameters that name the API: RFC 8707, or the word that Auth0 and Keycloak have for what is no URI. */
export function audienceParameters({ audience }: Profile): Record<string, string> {
  if (audience === undefined) return {};
  return URL.canParse(audience) ? { resource: audience } : { audience };
}

/**
 * Runs an exchange with an issuer, and turns its failures into those of the command line.
 * @throws {LoginRefused}, {FileshareConnectionError}, the reason of the signal
 */
export async function asked<T>(context: Context, issuer: string, exchange: () => Promise<T>): Promise<T> {
  try {
    return await exchange();
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof Error)) throw error;
    // fetch has TypeError for a connection that fails, and so has the library for arguments; those have a code.
    const isConnection = error.name === 'TimeoutError' || (error instanceof TypeError && !('code' in error));
    if (isConnection) throw new FileshareConnectionError(`${issuer}: no answer`, { cause: error });
    const { cause } = error;
    const isPassing = cause instanceof Response && (cause.status >= 500 || cause.status === 429);
    if (isPassing) throw new FileshareConnectionError(`${issuer}: HTTP ${cause.status}`);
    throw new LoginRefused(`${issuer}: ${reasonOf(error)}`, oauthErrorOf(error), { cause: error });
  }
}

/** Members of an error answer (RFC 6749 section 5.2), which a refused secret has in `WWW-Authenticate`. */
interface OAuthAnswer {
  readonly error?: unknown;
  readonly error_description?: unknown;
}

function answerIn(error: Error): OAuthAnswer {
  if ('error' in error) return error;
  const { cause } = error;
  const [challenge] = Array.isArray(cause) ? (cause as readonly { readonly parameters?: OAuthAnswer }[]) : [];
  return challenge?.parameters ?? {};
}

function oauthErrorOf(error: Error): string | undefined {
  const { error: code } = answerIn(error);
  return typeof code === 'string' ? code : undefined;
}

function reasonOf(error: Error): string {
  const code = oauthErrorOf(error);
  if (code === undefined) return error.message;
  const { error_description: description } = answerIn(error);
  return typeof description === 'string' ? `${code}: ${description}` : code;
}
