import type { IncomingMessage, ServerResponse } from 'node:http';
import { escapeHtml } from '../html.ts';
import { OAuthError } from './parameters.ts';

const MAX_BODY_BYTES = 64 * 1024;

export type Endpoint = (url: URL, request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** The fields of a form that was posted. @throws {OAuthError} where it is too large */
export async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > MAX_BODY_BYTES) throw new OAuthError('invalid_request', 'The request is too large.');
    pieces.push(piece);
  }
  return new URLSearchParams(Buffer.concat(pieces).toString());
}

/** Whether a page of another origin has sent a form. */
export function isForeign(url: URL, { headers: { origin } }: IncomingMessage): boolean {
  return origin !== undefined && origin !== url.origin;
}

export function reject(request: IncomingMessage, response: ServerResponse, allow: string): void {
  request.resume();
  response.setHeader('Allow', allow);
  sendJson(response, 405, { error: 'invalid_request' });
}

export function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  response.end(JSON.stringify(body));
}

/** Sends a browser on by GET, whatever it has asked by. */
export function redirect(response: ServerResponse, target: URL): void {
  response.writeHead(303, {
    Location: target.href,
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
  });
  response.end();
}

/** An endpoint for people, who are told on a page what is wrong. */
export function forPeople(endpoint: Endpoint): Endpoint {
  return async (url, request, response) => {
    try {
      await endpoint(url, request, response);
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      request.resume();
      sendRefusal(response, 400, error.message);
    }
  };
}

export function sendRefusal(response: ServerResponse, status: number, text: string): void {
  sendPage(response, status, { title: 'Not possible', content: `<p role="alert">${escapeHtml(text)}</p>` });
}

interface IssuerPage {
  readonly title: string;
  /** HTML. */
  readonly content: string;
  /** Another origin to which the answer to a form of this page may lead: browsers hold redirects to `form-action` too. */
  readonly leadsTo?: string;
}

export function sendPage(
  response: ServerResponse,
  status: number,
  { title, content, leadsTo = '' }: IssuerPage,
): void {
  response.writeHead(status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    'Content-Security-Policy': `default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' ${leadsTo}; frame-ancestors 'none'; base-uri 'none'`,
    // A form that sends no referrer has no origin either.
    'Referrer-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} – development issuer</title>
<link rel="icon" href="/local/page/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/local/page/style.css">
</head>
<body>
<main class="login">
<h1>${title}</h1>
<p class="hint">Development issuer. It believes anybody.</p>
${content}
</main>
</body>
</html>
`);
}
