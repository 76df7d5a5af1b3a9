import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface Callback {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type Reaction = (response: ServerResponse, request: IncomingMessage) => void;

export const accept: Reaction = (response) => response.writeHead(204).end();

/** A receiver of callbacks on this machine, which reacts to one after another as it is told, and then accepts all. */
export class Receiver {
  readonly received: Callback[] = [];
  readonly #server: Server;
  readonly #scheme: string;
  #reactions: Reaction[] = [];
  #otherwise: Reaction = accept;

  /** @param tls certificate and key in PEM, without which it speaks plain HTTP */
  constructor(tls?: { readonly cert: string; readonly key: string }) {
    const listener: RequestListener = (request, response) => void this.#react(request, response);
    this.#server = tls ? createTlsServer(tls, listener) : createServer(listener);
    this.#server.on('tlsClientError', () => undefined);
    this.#scheme = tls ? 'https' : 'http';
  }

  async listen(port = 0): Promise<void> {
    await new Promise<void>((done) => this.#server.listen(port, '127.0.0.1', done));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get origin(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}`;
  }

  /** Its reactions to the next callbacks. */
  next(...reactions: readonly Reaction[]): void {
    this.#reactions.push(...reactions);
  }

  /** Its reaction to all others. */
  otherwise(reaction: Reaction): void {
    this.#otherwise = reaction;
  }

  /** Forgets what it received, and how it was to react. */
  reset(): void {
    this.received.length = 0;
    this.#reactions = [];
  }

  idsReceived(): readonly string[] {
    return this.received.map(({ headers }) => headers['webhook-id'] ?? '');
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  async #react(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks = await request.toArray().catch(() => []);
    const headers = request.headers as Record<string, string>;
    this.received.push({ headers, body: Buffer.concat(chunks as Buffer[]).toString() });
    (this.#reactions.shift() ?? this.#otherwise)(response, request);
  }
}
