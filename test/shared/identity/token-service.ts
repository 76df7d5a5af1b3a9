import { once } from 'node:events';
import { createServer, type OutgoingHttpHeaders, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import * as v from 'valibot';
import { authenticate } from '../../../shared/http/authenticate.ts';
import { sendJson } from '../../../shared/http/respond.ts';
import { httpService } from '../../../shared/http/service.ts';
import type { Caller, Scope } from '../../../shared/identity/caller.ts';
import { issuersSchema } from '../../../shared/identity/issuers.ts';
import { TokenVerifier } from '../../../shared/identity/tokens.ts';

export interface Answer {
  readonly status: number | undefined;
  readonly challenge: string | undefined;
  readonly type: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

const NEEDED: Readonly<Record<string, readonly [Scope, ...Scope[]]>> = {
  GET: ['read'],
  POST: ['write'],
  PUT: ['write', 'admin'],
  DELETE: ['admin'],
};

/** A service that says who its callers are: GET needs read, POST write, PUT write or admin, DELETE admin. */
export class TokenService {
  readonly #server: Server;
  /** Its log, a line each. */
  readonly log: string[] = [];

  private constructor(tokens: TokenVerifier) {
    const log = pino({ level: 'info' }, { write: (line: string) => void this.log.push(line) });
    const service = httpService({
      log,
      project: 'test',
      filesUrl: undefined,
      handler: async ({ request, response }) => {
        const caller = await authenticate(tokens, request, ...(NEEDED[request.method ?? ''] ?? ['read']));
        sendJson(response, 200, 'application/json', shown(caller));
      },
    });
    this.#server = createServer((incoming, response) => void service(incoming, response));
  }

  /** Starts with `TOKEN_ISSUERS` as it would be written. */
  static async start(issuers: readonly unknown[]): Promise<TokenService> {
    const service = new TokenService(new TokenVerifier(v.parse(issuersSchema, issuers), true));
    service.#server.listen(0, '127.0.0.1');
    await once(service.#server, 'listening');
    return service;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  /** One request with a token, or with other headers. */
  async ask(token: string | OutgoingHttpHeaders, method = 'GET', path = '/'): Promise<Answer> {
    const headers = typeof token === 'string' ? { authorization: `Bearer ${token}` } : token;
    const { port } = this.#server.address() as AddressInfo;
    const asked = request({ host: '127.0.0.1', port, method, path, headers, agent: false });
    asked.end();
    const [response] = await once(asked, 'response');
    let text = '';
    for await (const piece of response) text += piece;
    return {
      status: response.statusCode,
      challenge: response.headers['www-authenticate'],
      type: response.headers['content-type'],
      body: text ? JSON.parse(text) : {},
    };
  }
}

function shown({ principals, scopes, ...caller }: Caller): object {
  return { ...caller, principals: [...principals], scopes: [...scopes] };
}
