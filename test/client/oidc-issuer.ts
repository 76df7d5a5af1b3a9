import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ClientMetadata, Provider } from 'oidc-provider';

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
export const RESOURCE = 'https://fileshare.example.org';
export const SECRET = 'secret of ? & % : the job';

/** An issuer that is not ours (panva/node-oidc-provider), with a client for each grant. */
export class OidcIssuer {
  readonly rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  readonly ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  readonly #page: string | undefined;
  #server: Server | undefined;
  #port = 0;
  #provider: Provider | undefined;

  /** @param page address of a page whose people log in by the code flow, as the client `page` */
  constructor(page?: string) {
    this.#page = page;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts it, or starts it again with everything that it had issued. */
  async start(): Promise<void> {
    this.#server = createServer();
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    this.#provider ??= this.#create();
    this.#server.on('request', this.#provider.callback());
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    this.#server?.close();
    if (this.#server?.listening) await once(this.#server, 'close');
  }

  #create(): Provider {
    const scope = 'openid offline_access fileshare.read fileshare.write';
    const alone = {
      response_types: [],
      redirect_uris: [],
      grant_types: ['client_credentials'],
      id_token_signed_response_alg: 'ES256' as const,
    };
    const signing = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const pages = this.#page === undefined ? [] : [pageClient(this.#page)];
    const provider = new Provider(this.url, {
      jwks: { keys: [{ ...jwk(signing), kid: 'issuer', use: 'sig', alg: 'ES256' }] },
      scopes: scope.split(' '),
      clients: [
        ...pages,
        {
          ...alone,
          client_id: 'cli',
          token_endpoint_auth_method: 'none',
          application_type: 'native',
          grant_types: [DEVICE, 'refresh_token'],
        },
        {
          ...alone,
          client_id: 'job',
          client_secret: SECRET,
          token_endpoint_auth_method: 'client_secret_basic',
        },
        {
          ...alone,
          client_id: 'keyed',
          token_endpoint_auth_method: 'private_key_jwt',
          jwks: {
            keys: [
              { ...jwk(this.rsa.publicKey), kid: 'rsa' },
              { ...jwk(this.ec.publicKey), kid: 'ec' },
            ],
          },
        },
      ],
      findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
      cookies: { keys: ['of the tests'] },
      clientBasedCORS: (_, origin) => this.#page !== undefined && new URL(this.#page).origin === origin,
      features: {
        deviceFlow: { enabled: true },
        clientCredentials: { enabled: true },
        revocation: { enabled: true },
        resourceIndicators: {
          enabled: true,
          useGrantedResource: () => true,
          getResourceServerInfo: () => ({
            scope: 'fileshare.read fileshare.write',
            accessTokenFormat: 'jwt',
            accessTokenTTL: 3600,
            jwt: { sign: { alg: 'ES256' } },
          }),
        },
      },
    });
    return provider;
  }
}

function pageClient(page: string): ClientMetadata {
  return {
    client_id: 'page',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: [page],
    post_logout_redirect_uris: [page],
    id_token_signed_response_alg: 'ES256',
  };
}

function jwk(key: KeyObject): Record<string, string> {
  return key.export({ format: 'jwk' }) as Record<string, string>;
}

/** Plays the person in a browser: follows redirects, keeps cookies, and sends every form on the way. */
export async function approve(start: string, account: string): Promise<string> {
  const cookies = new Map<string, string>();
  const ask = async (target: string, init: RequestInit = {}): Promise<{ url: string; text: string }> => {
    const headers = { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
    const response = await fetch(target, { ...init, headers, redirect: 'manual' });
    for (const cookie of response.headers.getSetCookie()) {
      const [pair = ''] = cookie.split(';');
      const at = pair.indexOf('=');
      if (pair.length > at + 1) cookies.set(pair.slice(0, at), pair.slice(at + 1));
      else cookies.delete(pair.slice(0, at));
    }
    const location = response.headers.get('location');
    if (location) return ask(new URL(location, target).href);
    return { url: target, text: await response.text() };
  };
  let page = await ask(start);
  for (let forms = 0; forms < 6; forms++) {
    const form = /<form[^>]*>.*?<\/form>/s.exec(page.text)?.[0];
    if (form === undefined) break;
    const action = /action="([^"]+)"/.exec(form)?.[1] ?? page.url;
    const fields = new URLSearchParams();
    for (const [input] of form.matchAll(/<(?:input|button)[^>]*>/g)) {
      const name = /name="([^"]*)"/.exec(input)?.[1];
      if (name && name !== 'abort') fields.set(name, /value="([^"]*)"/.exec(input)?.[1] ?? '');
    }
    if (fields.has('login')) fields.set('login', account);
    if (fields.has('password')) fields.set('password', 'any');
    page = await ask(new URL(action, page.url).href, { method: 'POST', body: fields });
  }
  return page.text;
}
