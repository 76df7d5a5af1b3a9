import type { IncomingMessage, RequestListener } from 'node:http';
import { isIP } from 'node:net';

const LOOPBACK = /^(?:127\.|::ffff:127\.|::1$)/;

/**
 * Answers 421 where a browser on this machine was tricked into asking by the name of a page from elsewhere (DNS rebinding), which
 * could then read the answers: tokens, and whatever is stored.
 */
export function underOwnNames(listener: RequestListener): RequestListener {
  return (request, response) => {
    if (!isAskedByAnotherName(request)) return listener(request, response);
    request.resume();
    response.writeHead(421, { 'content-type': 'text/plain' }).end('Ask for 127.0.0.1 or localhost.\n');
  };
}

/** Whether a page of another origin sends the request. It cannot read the answer, but the request may change something. */
export function isFromAnotherOrigin({ headers: { origin } }: IncomingMessage): boolean {
  return origin !== undefined && !isOwnName(URL.parse(origin)?.hostname ?? '');
}

/** Servers that listen elsewhere than on the loopback are asked by names of their network. */
function isAskedByAnotherName({ headers: { host }, socket }: IncomingMessage): boolean {
  if (host === undefined || !LOOPBACK.test(socket.localAddress ?? '')) return false;
  return !isOwnName(URL.parse(`http://${host}`)?.hostname ?? '.');
}

/** A name without a dot is nobody's on the Internet. */
function isOwnName(hostname: string): boolean {
  const isAddress = isIP(hostname.replace(/^\[(.*)\]$/, '$1')) > 0;
  return isAddress || (hostname !== '' && !hostname.includes('.')) || hostname.endsWith('.localhost');
}
