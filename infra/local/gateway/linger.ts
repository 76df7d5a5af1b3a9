import type { IncomingMessage } from 'node:http';

/** Same time as nginx's lingering_time. */
const LINGER_MS = 30_000;

/**
 * Reads on, and discards, what a client is still sending after its answer was written. Closing at once would send
 * a TCP reset, and the client would see that in place of the answer. A client that does not stop is cut off.
 */
export function linger(request: IncomingMessage): void {
  request.unpipe();
  if (request.complete || request.destroyed) return void request.resume();
  const cutOff = setTimeout(() => request.socket.destroy(), LINGER_MS).unref();
  request.once('close', () => clearTimeout(cutOff));
  request.resume();
}
