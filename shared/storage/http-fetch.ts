import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import * as https from 'node:https';
import { Readable } from 'node:stream';
import { onAbort } from '../runtime/abort.ts';
import { http } from './agent.ts';

const NO_CONTENT = 204;

/** Text, or bytes that stay unchanged until the response arrives. */
export type RequestBody = string | readonly Uint8Array[] | Readable;

interface FetchInit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody | undefined;
  readonly agent?: Agent;
  /** Each aborts the request and the reading of its response. */
  readonly signals?: readonly AbortSignal[];
}

/**
 * The part of a response that Gaxios needs. The body is the connection's own stream.
 *
 * A class instead of an object with getters: V8 creates a hidden class for each such object in old space, which keeps
 * the request and its response alive until a full garbage collection (docs/performance.md).
 */
class FetchResponse {
  readonly body: IncomingMessage;
  readonly status: number;
  readonly ok: boolean;
  readonly statusText: string;
  /** Members that Gaxios adds, which would define them in a slower way if they are absent. */
  readonly data: unknown = undefined;
  readonly config: unknown = undefined;

  constructor(answer: IncomingMessage) {
    this.body = answer;
    this.status = answer.statusCode ?? 0;
    this.ok = this.status >= 200 && this.status < 300;
    this.statusText = answer.statusMessage ?? '';
  }

  /** Created lazily: it is rarely used. */
  get headers(): Headers {
    const { rawHeaders } = this.body;
    const headers = new Headers();
    for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
      headers.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '');
    }
    return headers;
  }

  /** Gaxios reads the body of an error only if this is set. */
  get bodyUsed(): boolean {
    return this.body.readableDidRead;
  }

  /** Same result as `toArray`, without an iterator and its objects. */
  text(): Promise<string> {
    return new Promise((resolve, reject) => {
      const pieces: Buffer[] = [];
      this.body.on('data', (piece: Buffer) => pieces.push(piece));
      this.body.on('end', () => {
        const [only, another] = pieces;
        resolve((only && !another ? only : Buffer.concat(pieces)).toString());
      });
      this.body.on('error', reject);
      // Creating an Error with a stack costs as much as everything else here, so none is created on success.
      this.body.on('close', () => {
        if (!this.body.readableEnded) reject(new Error('the answer broke off'));
      });
    });
  }
}

/**
 * A fetch for Gaxios straight on Node's http: node-fetch, its default, puts a stream and a pipeline between on either
 * side, which is a third of what a request costs (docs/performance.md). Redirects are not followed.
 */
export function httpFetch(url: URL, init: FetchInit): Promise<FetchResponse> {
  const { method = 'GET', headers, body, agent, signals = [] } = init;
  return new Promise((resolve, reject) => {
    const { request: open } = url.protocol === 'https:' ? https : http;
    const request = open({ ...addressOf(url), method, headers, agent });
    let response: IncomingMessage | undefined;
    // Not Node's own signal option: it would tell the reader of a body of a lost connection, which is tried again.
    const abort = (): void => {
      const reason = new DOMException('The request was aborted', 'AbortError');
      (response ?? request).destroy(reason);
    };
    request.on('close', onAbort(signals, abort));
    // Once the answer is here, a connection that breaks is told to the reader of the body; there may be nobody.
    request.on('error', reject);
    request.on('response', (answer) => {
      response = answer;
      answer.on('error', () => undefined);
      // The caller may use the body's memory again once it has the answer, so none of it may be left to be written.
      answer.on('end', () => {
        if (!request.writableFinished) request.destroy();
      });
      // Gaxios asks for no body where there cannot be one, and until it is read the connection is not free.
      if (answer.statusCode === NO_CONTENT) answer.resume();
      resolve(new FetchResponse(answer));
    });
    // The signal may have aborted while credentials were fetched.
    if (signals.some(({ aborted }) => aborted)) abort();
    else send(request, body);
  });
}

/** Less than Node's own `urlToHttpOptions`: what is in these options is copied for each request, and again for its connection. */
function addressOf({ hostname, port, pathname, search }: URL) {
  // Without the brackets of an IPv6 address.
  const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  return { host, ...(port !== '' && { port }), path: `${pathname}${search}` };
}

function send(request: ClientRequest, body: FetchInit['body']): void {
  if (body === undefined || typeof body === 'string') {
    request.end(body);
    return;
  }
  if (!(body instanceof Readable)) {
    // In one system call with the head, and without a copy.
    for (const piece of body) request.write(piece);
    request.end();
    return;
  }
  // Nothing else ends what it reads from, or what it writes to, where the other breaks.
  body.once('error', (error) => request.destroy(error));
  request.once('close', () => body.destroy());
  body.pipe(request);
}
