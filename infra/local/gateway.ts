import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { forward, SOCKET_BUFFER, type Upstream } from './exchange.ts';
import { sendProblem } from './problem.ts';
import { type Target, targetFor } from './routes.ts';

/** As long as Cloud Run lets a request take; Node's own limit of five minutes would cut off large uploads. */
const REQUEST_TIMEOUT_MS = 3_600_000;

export interface GatewayOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly upstreams: Readonly<Record<Exclude<Target, 'local'>, Upstream>>;
  /** Answers what is routed to the local pages. */
  readonly local: RequestListener;
}

export interface Gateway {
  readonly port: number;
  readonly url: string;
  /** Refuses new connections and closes idle ones; requests under way go on. */
  stopAccepting(): void;
  /** Breaks what is still open. Resolves when the last connection is gone. */
  close(): Promise<void>;
}

/**
 * One address in front of the functions, as a load balancer is in a deployment. Nothing is buffered, and
 * `Expect: 100-continue` is answered by the function alone, so that a refused client never sends its body.
 * Rejects with the error of `listen` (EADDRINUSE where the port is taken).
 */
export async function startGateway({ host, port, upstreams, local }: GatewayOptions): Promise<Gateway> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, highWaterMark: SOCKET_BUFFER });
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    const target = targetFor(request.method ?? '', pathOf(request));
    if (target === undefined) return sendProblem(response, 404, 'Nothing is served at this path.');
    if (target === 'local') return local(request, response);
    if (!/^(chunked)?$/i.test(request.headers['transfer-encoding'] ?? '')) {
      return sendProblem(response, 501, 'The only transfer coding here is chunked.', { Connection: 'close' });
    }
    forward(request, response, upstreams[target]);
  };
  server.on('request', handle);
  server.on('checkContinue', handle);
  server.listen(port, host);
  await once(server, 'listening');
  const closed = once(server, 'close');
  const { port: bound } = server.address() as AddressInfo;
  return {
    port: bound,
    url: `http://${host}:${bound}`,
    stopAccepting: () => void server.close(),
    async close() {
      if (server.listening) server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function pathOf({ url = '/' }: IncomingMessage): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}
