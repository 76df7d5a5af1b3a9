import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Delivery {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Status, with headers where needed; 'cut' for a connection cut without an answer. */
export type Verdict = number | { readonly status: number; readonly headers: Record<string, string> } | 'cut';

/** An endpoint that notifications are pushed to. */
export class Subscriber {
  readonly deliveries: Delivery[] = [];
  readonly #server: Server;
  /** Decides on each delivery by its number from 1. */
  verdict: (delivery: Delivery, number: number) => Verdict | Promise<Verdict> = () => 204;

  constructor() {
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const delivery = { headers: request.headers, body: Buffer.concat(chunks).toString() };
      const verdict = await this.verdict(delivery, this.deliveries.push(delivery));
      if (verdict === 'cut') request.socket.destroy();
      else if (typeof verdict === 'number') response.writeHead(verdict).end();
      else response.writeHead(verdict.status, verdict.headers).end();
    });
    this.#server.listen(0, '127.0.0.1');
  }

  async url(): Promise<string> {
    if (!this.#server.listening) await once(this.#server, 'listening');
    const address: string | AddressInfo | null = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/events`;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}
