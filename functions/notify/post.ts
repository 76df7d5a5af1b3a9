import { once } from 'node:events';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';

/** Bytes: all that is looked at of an answer is its head. */
const MAX_HEAD_BYTES = 8 * 1024;

export interface PostOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly lookup: LookupFunction;
  /** Milliseconds from the first step until the head of the answer is there. */
  readonly timeoutMs: number;
}

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
}

/**
 * One POST over a new connection, so that each is made to an address that was checked for it. Redirects are not followed,
 * the certificate is always verified, and of the answer nothing but the head is read.
 * @throws {Error} where there is no answer in time
 */
export async function post(url: URL, { headers, body, lookup, timeoutMs }: PostOptions): Promise<Answer> {
  const send = url.protocol === 'https:' ? requestHttps : requestHttp;
  const signal = AbortSignal.timeout(timeoutMs);
  const request = send(url, {
    method: 'POST',
    headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
    agent: false,
    lookup,
    rejectUnauthorized: true,
    maxHeaderSize: MAX_HEAD_BYTES,
    signal,
  });
  // A connection that breaks after the answer has nothing to say any more.
  request.on('error', () => undefined);
  request.end(body);
  // Where the receiver switches protocols (101), the request ends without an answer and without an error.
  const [response] = (await once(request, 'response', { signal })) as [IncomingMessage];
  response.on('error', () => undefined);
  response.destroy();
  return { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] };
}
