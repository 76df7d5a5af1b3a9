import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import * as https from 'node:https';
import type { Readable } from 'node:stream';
import { http } from './agent.ts';

const NO_CONTENT = 204;

/** What Gaxios hands to its fetch, of that which {@link Transport} makes it hand on. */
interface FetchInit {
  readonly method?: string;
  readonly headers?: Headers;
  readonly body?: Buffer | Readable;
  readonly agent?: Agent;
  readonly signal?: AbortSignal;
}

/** What Gaxios needs of a response. The body is the connection's own stream. */
interface FetchResponse {
  readonly ok: boolean;
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  readonly body: IncomingMessage;
  /** Gaxios looks into the body of an error only where this says that it was read. */
  readonly bodyUsed: boolean;
  text(): Promise<string>;
}

/**
 * A fetch for Gaxios straight on Node's http: node-fetch, its default, puts a stream and a pipeline between on either
 * side, which is a third of what a request costs (docs/performance.md). Redirects are not followed.
 */
export function httpFetch(url: URL, init: FetchInit): Promise<FetchResponse> {
  const { method = 'GET', headers = new Headers(), body, agent, signal } = init;
  return new Promise((resolve, reject) => {
    const { request: open } = url.protocol === 'https:' ? https : http;
    const request = open(url, { method, headers: Object.fromEntries(headers), agent });
    let response: IncomingMessage | undefined;
    // Not Node's own signal option: it would tell the reader of a body of a lost connection, which is tried again.
    const abort = (): void => {
      const reason = new DOMException('The request was aborted', 'AbortError');
      (response ?? request).destroy(reason);
    };
    signal?.addEventListener('abort', abort, { once: true });
    request.once('close', () => signal?.removeEventListener('abort', abort));
    request.once('error', reject);
    request.once('response', (answer) => {
      response = answer;
      // A connection that breaks is told to whoever reads the body; there may be nobody.
      request.on('error', () => undefined);
      answer.on('error', () => undefined);
      // Who gave the body may use its memory again once it has the answer, so none of it may be left to be written.
      answer.once('end', () => {
        if (!request.writableFinished) request.destroy();
      });
      // Gaxios asks for no body where there cannot be one, and until it is read the connection is not free.
      if (answer.statusCode === NO_CONTENT) answer.resume();
      resolve(toResponse(answer));
    });
    // It may have happened while the credentials were got.
    if (signal?.aborted) abort();
    else send(request, body);
  });
}

function send(request: ClientRequest, body: FetchInit['body']): void {
  if (body === undefined || Buffer.isBuffer(body)) {
    request.end(body);
    return;
  }
  // Nothing else ends what it reads from, or what it writes to, where the other breaks.
  body.once('error', (error) => request.destroy(error));
  request.once('close', () => body.destroy());
  body.pipe(request);
}

function toResponse(answer: IncomingMessage): FetchResponse {
  const status = answer.statusCode ?? 0;
  const headers = new Headers();
  for (let at = 0; at + 1 < answer.rawHeaders.length; at += 2) {
    headers.append(answer.rawHeaders[at] ?? '', answer.rawHeaders[at + 1] ?? '');
  }
  return {
    ok: status >= 200 && status < 300,
    status,
    statusText: answer.statusMessage ?? '',
    headers,
    body: answer,
    get bodyUsed() {
      return answer.readableDidRead;
    },
    text: async () => Buffer.concat(await answer.toArray()).toString(),
  };
}
