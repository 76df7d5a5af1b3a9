import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SOCKET_BUFFER } from './exchange.ts';
import { REQUEST_HEAD_BYTES } from './limits.ts';

/** Longest time that Cloud Run lets a request take; the limit of a service is its front's. */
const REQUEST_TIMEOUT_MS = 3_600_000;
/**
 * Time that Google's load balancers keep an idle connection
 * (https://cloud.google.com/load-balancing/docs/https#timeouts_and_retries). After Node's 5 s, a client on a busy
 * machine sends its next request into a connection that is being closed.
 */
const KEEP_ALIVE_MS = 610_000;

export interface Address {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
}

export interface Listening {
  readonly port: number;
  readonly url: string;
  /** Refuses new connections and closes idle ones; requests under way go on. */
  stopAccepting(): void;
  /** Breaks what is still open. Resolves when the last connection is gone. */
  close(): Promise<void>;
}

/**
 * Serves HTTP/1. `Expect: 100-continue` is the listener's to answer, so that a refused client never sends its body.
 * Rejects with the error of `listen` (EADDRINUSE where the port is taken).
 */
export async function listen({ host, port }: Address, listener: RequestListener): Promise<Listening> {
  const server = createServer({
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    highWaterMark: SOCKET_BUFFER,
    maxHeaderSize: REQUEST_HEAD_BYTES,
  });
  server.on('request', listener);
  server.on('checkContinue', listener);
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
