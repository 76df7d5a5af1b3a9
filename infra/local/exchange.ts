import {
  type Agent,
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { endToEnd, hasBody, upstreamHeaders } from './headers.ts';
import { linger } from './linger.ts';
import { sendProblem } from './problem.ts';
import { UpstreamAgent } from './upstream-agent.ts';

/** Where a function listens. */
export interface Upstream {
  readonly host: string;
  readonly port: number;
}

/** A request that may be sent twice (RFC 9110 section 9.2.2) may travel on a pooled socket that proves dead. */
const REPEATABLE = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']);

const pooled = new UpstreamAgent({ keepAlive: true, maxFreeSockets: 64, scheduling: 'lifo' });
const fresh = new UpstreamAgent({ keepAlive: false });

/** Bytes buffered a socket and direction. Node's 64 KiB is one read: each would stop and start the other side. */
export const SOCKET_BUFFER = 512 * 1024;

/**
 * Passes one request to an upstream and its answer back, both as streams with back-pressure.
 * An upstream that cannot be reached gives 503; one that breaks off after its headers breaks the client's
 * connection too, so that a short body is never taken for a whole one.
 */
export function forward(request: IncomingMessage, response: ServerResponse, upstream: Upstream): void {
  const progress = { bodySeen: false, continued: request.headers.expect === undefined };
  const letBodyCome = () => {
    if (!progress.continued) response.writeContinue();
    progress.continued = true;
  };
  request.pause();
  request.on('error', () => {}); // A client that goes away is seen at the response's 'close'.
  request.once('data', () => {
    progress.bodySeen = true;
    letBodyCome(); // It did not wait for the 100: telling it to go on keeps the connection in step.
  });
  attempt(REPEATABLE.has(request.method ?? '') ? pooled : fresh);

  function attempt(agent: Agent): void {
    const outbound = open(request, upstream, agent);
    const abandon = () => {
      if (!response.writableFinished) outbound.destroy();
    };
    response.once('close', abandon);
    outbound.once('continue', letBodyCome);
    outbound.once('response', (inbound) => relay({ request, response, outbound, inbound }));
    outbound.on('error', () => {
      if (response.destroyed || response.headersSent) return;
      response.off('close', abandon);
      if (agent === pooled && outbound.reusedSocket && !progress.bodySeen) return attempt(fresh);
      sendProblem(response, 503, 'The function is starting or has stopped. Try again.', {
        'Retry-After': '1',
      });
      linger(request);
    });
    if (hasBody(request)) {
      request.pipe(outbound);
    } else {
      request.resume();
      outbound.end();
    }
  }
}

function open(request: IncomingMessage, { host, port }: Upstream, agent: Agent): ClientRequest {
  const { method = 'GET', url: path = '/' } = request;
  const headers = upstreamHeaders(request);
  const socket = { host, port, agent, highWaterMark: SOCKET_BUFFER };
  const outbound = httpRequest({ ...socket, method, path, headers });
  if (request.headers.expect !== undefined) outbound.flushHeaders();
  return outbound;
}

interface Answer {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly outbound: ClientRequest;
  readonly inbound: IncomingMessage;
}

function relay({ request, response, outbound, inbound }: Answer): void {
  response.writeHead(inbound.statusCode ?? 502, inbound.statusMessage, endToEnd(inbound));
  setImmediate(() => response.flushHeaders()); // Else the head would wait for the first byte of the body.
  inbound.on('error', () => {});
  inbound.once('end', () => {
    if (request.complete) return;
    linger(request);
    outbound.destroy();
  });
  inbound.once('close', () => {
    if (!inbound.complete) response.socket?.resetAndDestroy();
  });
  inbound.pipe(response);
}
