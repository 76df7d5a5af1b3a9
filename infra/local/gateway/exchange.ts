import {
  type Agent,
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { declaredBytes, endToEnd, hasBody, headBytes, upstreamHeaders } from './headers.ts';
import { MESSAGE_BYTES, RESPONSE_HEAD_BYTES } from './limits.ts';
import { linger } from './linger.ts';
import { sendProblem } from './problem.ts';
import { refuse } from './refusals.ts';
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

/** One request on its way through, and how long it may take, in milliseconds. */
export interface ForwardedRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly upstream: Upstream;
  readonly timeoutMs: number;
}

/**
 * Passes one request to an upstream and its answer back, both as streams with back-pressure.
 * An upstream that cannot be reached gives 503; one that breaks off after its headers breaks the client's
 * connection too, so that a short body is never taken for a whole one. Resolves when the upstream is done with it.
 */
export function forward({ request, response, upstream, timeoutMs }: ForwardedRequest): Promise<void> {
  const over = Promise.withResolvers<void>();
  const progress = { bodySeen: false, continued: request.headers.expect === undefined };
  let outbound: ClientRequest;
  const letBodyCome = () => {
    if (!progress.continued) response.writeContinue();
    progress.continued = true;
  };
  const cut = (status: 413 | 504) => {
    if (response.headersSent) response.socket?.resetAndDestroy();
    else refuse(request, response, status);
    outbound.destroy();
  };
  request.pause();
  request.on('error', () => {}); // A client that goes away is seen at the response's 'close'.
  request.once('data', () => {
    progress.bodySeen = true;
    letBodyCome(); // It did not wait for the 100: telling it to go on keeps the connection in step.
  });
  limitBody(request, () => cut(413));
  attempt(REPEATABLE.has(request.method ?? '') ? pooled : fresh);
  const timer = setTimeout(() => cut(504), timeoutMs);
  return over.promise.finally(() => clearTimeout(timer));

  function attempt(agent: Agent): void {
    const asked = open(request, upstream, agent);
    outbound = asked;
    const abandon = () => {
      if (!response.writableFinished) asked.destroy();
    };
    response.once('close', abandon);
    asked.once('continue', letBodyCome);
    asked.on('information', ({ statusCode, rawHeaders }) => {
      if (statusCode !== 100 && !response.headersSent) response.writeInformation(statusCode, rawHeaders);
    });
    asked.once('response', (inbound) => relay({ request, response, outbound: asked, inbound }));
    asked.once('close', () => {
      if (asked === outbound) over.resolve();
    });
    asked.on('error', () => {
      if (response.destroyed || response.headersSent) return;
      response.off('close', abandon);
      if (agent === pooled && asked.reusedSocket && !progress.bodySeen) return attempt(fresh);
      sendProblem(response, 503, 'The function is starting or has stopped. Try again.', {
        'Retry-After': '1',
      });
      linger(request);
    });
    if (hasBody(request)) {
      request.pipe(asked);
    } else {
      request.resume();
      asked.end();
    }
  }
}

/** Says once that a body is over the limit, whose length was not known before. */
function limitBody(request: IncomingMessage, tooLarge: () => void): void {
  let bytes = headBytes(request);
  const count = (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= MESSAGE_BYTES) return;
    request.off('data', count);
    tooLarge();
  };
  request.on('data', count);
}

function open(request: IncomingMessage, { host, port }: Upstream, agent: Agent): ClientRequest {
  const { method = 'GET', url: path = '/' } = request;
  const headers = upstreamHeaders(request);
  const socket = { host, port, agent, highWaterMark: SOCKET_BUFFER, maxHeaderSize: RESPONSE_HEAD_BYTES };
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
  inbound.on('error', () => {});
  if (isTooLarge(request, inbound)) {
    refuse(request, response, 500);
    return void inbound.resume(); // The function sees no error.
  }
  response.writeHead(inbound.statusCode ?? 502, inbound.statusMessage, endToEnd(inbound));
  setImmediate(() => response.flushHeaders()); // Else the head would wait for the first byte of the body.
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

/** Chunked answers have no limit, and these two have a length without a body. */
function isTooLarge({ method }: IncomingMessage, inbound: IncomingMessage): boolean {
  if (method === 'HEAD' || inbound.statusCode === 304) return false;
  return headBytes(inbound) + declaredBytes(inbound) > MESSAGE_BYTES;
}
