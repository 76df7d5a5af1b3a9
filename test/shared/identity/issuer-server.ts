import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from 'jose';

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;
export interface SigningKey extends Keys {
  readonly kid: string;
  readonly alg: string;
}

export async function signingKey(kid = 'k1', alg = 'RS256'): Promise<SigningKey> {
  return { kid, alg, ...(await generateKeyPair(alg, { extractable: true })) };
}

export function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

export interface Signing {
  readonly key?: SigningKey;
  readonly secret?: Uint8Array;
  readonly header?: Partial<JWTHeaderParameters>;
}

/** A separate authorization server: metadata and keys over HTTP, each as the test says. */
export class IssuerServer {
  #server: Server | undefined;
  #port = 0;
  /** Path of a document to what it answers; anything else is 404. */
  readonly documents = new Map<string, unknown>();
  /** Paths in the order in which they were asked for. */
  readonly asked: string[] = [];
  /** Answered to everything instead, where it is set. */
  status: number | undefined;
  /** The path that is asked for in vain, and for ever. */
  silentAt: string | undefined;
  key: SigningKey | undefined;

  /** Listens, and publishes `key` with a document of OpenID Connect Discovery. */
  async start(key: SigningKey): Promise<this> {
    this.key = key;
    await this.mend();
    return this;
  }

  /** Restores the state after `start`, at the same address. */
  async mend(): Promise<void> {
    if (!this.#server?.listening) await this.#listen();
    this.status = undefined;
    this.documents.set('/.well-known/openid-configuration', this.metadata());
    if (this.key) await this.publish(this.key);
  }

  async #listen(): Promise<void> {
    this.#server = createServer((request, response) => {
      const path = request.url ?? '';
      this.asked.push(path);
      if (path === this.silentAt) return;
      const document = this.documents.get(path);
      const status = this.status ?? (document === undefined ? 404 : 200);
      const body = typeof document === 'string' ? document : JSON.stringify(document ?? {});
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    });
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((done) => this.#server?.close(done));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  metadata(changes: object = {}): object {
    return { issuer: this.url, jwks_uri: `${this.url}/jwks`, ...changes };
  }

  /** The key set from now on. @param changes to the key as it is shown */
  async publish(key: SigningKey, changes: Partial<JWK> = {}): Promise<void> {
    const jwk = { ...(await exportJWK(key.publicKey)), kid: key.kid, alg: key.alg, use: 'sig', ...changes };
    this.documents.set('/jwks', { keys: [jwk] });
  }

  /** A token of this issuer that is good for ten minutes, but for `changes` (undefined: without that claim). */
  async token(changes: JWTPayload = {}, signing: Signing = {}): Promise<string> {
    const { key = this.key, header = {}, secret } = signing;
    if (!key) throw new Error('the issuer has not been started');
    const claims = { iss: this.url, exp: seconds() + 600, iat: seconds(), ...changes };
    return new SignJWT(claims)
      .setProtectedHeader({ alg: key.alg, kid: key.kid, ...header })
      .sign(secret ?? key.privateKey, { crit: { 'https://example/crit': true } });
  }
}
