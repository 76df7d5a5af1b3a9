import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** Answers in place of the target, or returns false to let the target's answer through. */
export type Meddler = (
  request: IncomingMessage,
  answer: IncomingMessage,
  response: ServerResponse,
) => boolean;

/** Another address for a service, for the tests of the enclosing `describe`. Streams; `meddler` may change answers. */
export class Relay {
  readonly #server: Server;
  /** Where it leads; may become known after its own address has. */
  target = '';
  meddler: Meddler | undefined;
  /** Method and path of what came, and whether it had a token. */
  readonly seen: { readonly line: string; readonly authorized: boolean }[] = [];

  constructor() {
    this.#server = createServer((request, response) => this.#forward(request, response));
    before(async () => {
      this.#server.listen(0, '127.0.0.1');
      await once(this.#server, 'listening');
    });
    after(() => {
      this.#server.closeAllConnections();
      this.#server.close();
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  #forward(request: IncomingMessage, response: ServerResponse): void {
    const { method, headers, url = '/' } = request;
    this.seen.push({ line: `${method} ${url}`, authorized: headers.authorization !== undefined });
    const outbound = httpRequest(new URL(url, this.target), {
      method: method ?? 'GET',
      headers,
      agent: false,
    });
    outbound.on('response', (answer) => {
      if (this.meddler?.(request, answer, response)) return;
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
    outbound.on('error', () => response.destroy());
    response.on('close', () => outbound.destroy());
    request.pipe(outbound);
  }
}
