import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Handle } from '../files/handle.ts';
import type { Problem } from './problems.ts';

/** Milliseconds for which the rest of a body that nobody wants is read and dropped. */
const LINGER_MS = 3_000;

/** Headers of answers that are the same for everybody. */
export const PUBLIC = { 'cache-control': 'public, max-age=300', 'access-control-allow-origin': '*' };

/** Sent with every answer: what it holds is one caller's, and is what its Content-Type says. */
const ALWAYS = { 'cache-control': 'private, no-store', 'x-content-type-options': 'nosniff' };

type Headers = Readonly<Record<string, string>>;

export function sendHandle(
  response: ServerResponse,
  status: number,
  handle: Handle,
  headers: Headers = {},
): void {
  sendJson(response, status, 'application/json', handle, headers);
}

/** @param filesUrl where clients reach the files function, which serves the type of the problem */
export function sendProblem(
  request: IncomingMessage,
  response: ServerResponse,
  problem: Problem,
  filesUrl: string | undefined,
): void {
  linger(request, response);
  const headers = { ...problem.extras.headers };
  sendJson(response, problem.status, 'application/problem+json', problem.document(filesUrl), headers);
}

export function sendEmpty(response: ServerResponse, status: number, headers: Headers = {}): void {
  sendHead(response, status, headers);
  response.end();
}

/** @param headers added to those that every answer has */
export function sendHead(response: ServerResponse, status: number, headers: Headers): void {
  response.writeHead(status, { ...ALWAYS, ...headers, ...varyOf(response, headers) });
}

/** `Vary` names what an answer depends on besides its origin, too. */
function varyOf(response: ServerResponse, { vary }: Headers): Headers {
  const already = response.getHeader('vary');
  return vary !== undefined && already !== undefined ? { vary: `${already}, ${vary}` } : {};
}

export function sendJson(
  response: ServerResponse,
  status: number,
  type: string,
  body: unknown,
  headers: Headers = {},
): void {
  sendText(response, status, type, `${JSON.stringify(body)}\n`, headers);
}

export function sendText(
  response: ServerResponse,
  status: number,
  type: string,
  text: string,
  headers: Headers = {},
): void {
  const bytes = Buffer.from(text);
  sendHead(response, status, { 'content-type': type, 'content-length': String(bytes.length), ...headers });
  response.end(bytes);
}

/**
 * A client that is still sending when it is refused must be able to read why: closing at once would reset the
 * connection under the answer. The client's remaining bytes are read and dropped for a while, then the connection ends.
 */
function linger(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete) return;
  response.once('finish', () => {
    if (request.complete) return;
    request.resume();
    const timer = setTimeout(() => request.socket.destroy(), LINGER_MS);
    request.once('close', () => clearTimeout(timer));
  });
}
