import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Server } from 'node:http';

export interface RequestLimits {
  /** Milliseconds until a request, body included, must have arrived. */
  readonly requestMs: number;
  /** Milliseconds until its head must have arrived. */
  readonly headersMs: number;
}

/** Node's own default. A slow body is a slow line, but no client needs a minute for its headers. */
export const HEADERS_MS = 60_000;

const CHANNEL = 'http.server.request.start';

/**
 * Gives every server of this process these limits in place of Node's: it ends a request that takes longer than five
 * minutes with 408, and functions-framework has no option for that. A server is met with its first request, and Node
 * reads both limits again at each check, so that they hold for that request too.
 * https://nodejs.org/api/http.html#serverrequesttimeout
 * @returns what takes it back for servers that are met later
 */
export function limitRequests({ requestMs, headersMs }: RequestLimits): () => void {
  const met = new WeakSet<Server>();
  const limit = (message: unknown): void => {
    const { server } = message as { server: Server };
    if (met.has(server)) return;
    met.add(server);
    server.requestTimeout = requestMs;
    server.headersTimeout = Math.min(headersMs, requestMs);
  };
  subscribe(CHANNEL, limit);
  return () => void unsubscribe(CHANNEL, limit);
}
