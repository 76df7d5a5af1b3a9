import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** The headers that say whether and how long a body is (RFC 9112 section 6). */
export interface Framing {
  readonly contentLength?: number;
  readonly chunked: boolean;
}

const framings = new WeakMap<IncomingMessage, Framing>();
const prepared = new WeakSet<Server>();

/**
 * Lets the bodies of chosen requests reach their handler as streams. functions-framework reads every body
 * into memory before our code runs, with no option to turn that off, but its parsers skip a request that
 * shows neither `transfer-encoding` nor `content-length`. Node tells of each request before the framework
 * hears of it; there the two are kept aside and hidden. Public Node API and the ordinary command line only:
 * docs/platform-facts.md#bodies, docs/adr/0002-streaming-bodies.md. To be called once, while the module loads.
 */
export function streamBodies(streams: (request: IncomingMessage) => boolean): void {
  subscribe('http.server.request.start', (message) => {
    const { request, server } = message as { request: IncomingMessage; server: Server };
    deferContinue(server);
    if (!streams(request)) return;
    const { headers } = request;
    const length = headers['content-length'];
    framings.set(request, {
      ...(length !== undefined && { contentLength: Number(length) }),
      chunked: headers['transfer-encoding'] !== undefined,
    });
    delete headers['content-length'];
    delete headers['transfer-encoding'];
    request.url = decodable(request.url ?? '/');
  });
}

/**
 * The framework's router decodes every path, and answers with a page of HTML where it cannot. A percent sign that
 * begins no character reaches our routes as itself: none of them knows such a path.
 */
function decodable(url: string): string {
  const [path = '', ...query] = url.split('?');
  try {
    decodeURIComponent(path);
    return url;
  } catch {
    return [path.replaceAll('%', '%25'), ...query].join('?');
  }
}

/** How the body of a request that {@link streamBodies} chose is framed. */
export function framingOf(request: IncomingMessage): Framing {
  return framings.get(request) ?? { chunked: false };
}

/**
 * Node answers `Expect: 100-continue` before we know whether we want the body. With a listener it
 * leaves that to us: a refused client then sends no gigabytes. {@link acceptBody} says yes.
 */
function deferContinue(server: Server): void {
  if (prepared.has(server)) return;
  prepared.add(server);
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    // The framework waits for the bodies that it reads itself.
    if (!framings.has(request)) response.writeContinue();
    server.emit('request', request, response);
  });
}

/** Tells a client that waits for it to send its body (RFC 9110 section 10.1.1). */
export function acceptBody(request: IncomingMessage, response: ServerResponse): void {
  if (/^100-continue$/i.test(request.headers.expect ?? '')) response.writeContinue();
}
