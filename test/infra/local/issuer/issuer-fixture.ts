import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as oauth from 'oauth4webapi';
import { issuerEndpoints } from '../../../../infra/local/issuer/endpoints.ts';
import { createIssuer, type Issuer } from '../../../../infra/local/issuer/issuer.ts';

export const PAGE = 'http://localhost:5173/';
export const REGISTERED = 'https://page.example.no/callback?kept=1';
export const VERIFIER = 'v'.repeat(43);
export const CLIENT = { client_id: 'page' };
export const INSECURE = { [oauth.allowInsecureRequests]: true };

/** The endpoints of the development issuer, for the tests of the enclosing `describe`. */
export class IssuerServer {
  readonly #server = createServer();
  #issuer: Issuer | undefined;
  origin = '';

  constructor() {
    const folder = mkdtempSync(join(tmpdir(), 'fileshare-'));
    before(async () => {
      this.#server.listen(0, '127.0.0.1');
      await once(this.#server, 'listening');
      this.origin = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
      this.#issuer = await createIssuer(folder, this.origin);
      const endpoint = issuerEndpoints(this.#issuer, [REGISTERED]);
      this.#server.on('request', (request, response) => {
        const url = new URL(request.url ?? '', this.origin);
        void endpoint(url.pathname)?.(url, request, response);
      });
    });
    after(async () => {
      this.#server.closeAllConnections();
      this.#server.close();
      rmSync(folder, { recursive: true });
    });
  }

  get issuer(): Issuer {
    return this.#issuer ?? assert.fail('not started');
  }

  discover(): Promise<oauth.AuthorizationServer> {
    const url = new URL(this.issuer.url);
    return oauth
      .discoveryRequest(url, INSECURE)
      .then((response) => oauth.processDiscoveryResponse(url, response));
  }

  /** The address of a good request, changed; `undefined` leaves a parameter out, a list repeats it. */
  async authorizeUrl(changes: Readonly<Record<string, string | string[] | undefined>> = {}): Promise<string> {
    const parameters = {
      client_id: CLIENT.client_id,
      redirect_uri: PAGE,
      response_type: 'code',
      scope: 'openid fileshare.read fileshare.write',
      state: 'of the client',
      nonce: 'once',
      code_challenge: await oauth.calculatePKCECodeChallenge(VERIFIER),
      code_challenge_method: 'S256',
      ...changes,
    };
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters)) {
      for (const each of value === undefined ? [] : [value].flat()) query.append(name, each);
    }
    return `${this.issuer.url}/authorize?${query}`;
  }
}

/** A browser with the cookies of one person. */
export class Person {
  cookie = '';

  async ask(url: string, form?: Readonly<Record<string, string | string[]>>, origin?: string) {
    const body = new URLSearchParams();
    for (const [name, value] of Object.entries(form ?? {})) {
      for (const each of [value].flat()) body.append(name, each);
    }
    const headers = { ...(this.cookie && { cookie: this.cookie }), ...(origin && { origin }) };
    const response = await fetch(url, {
      redirect: 'manual',
      headers,
      ...(form && { method: 'POST', body }),
    });
    const [cookie] = response.headers.getSetCookie();
    if (cookie !== undefined) this.cookie = cookie.split(';')[0] ?? '';
    const location = response.headers.get('location');
    return {
      status: response.status,
      text: await response.text(),
      headers: response.headers,
      target: location === null ? undefined : new URL(location),
    };
  }

  /** Sends the form of the login page. @returns where the browser goes next */
  async logIn(url: string, form: Readonly<Record<string, string | string[]>> = {}): Promise<URL> {
    const entered = {
      principal: 'user:kari',
      groups: '',
      scope: ['read', 'write'],
      decision: 'allow',
      ...form,
    };
    const { target, text } = await this.ask(url, entered);
    return target ?? assert.fail(text);
  }
}
