import type { IncomingMessage, ServerResponse } from 'node:http';
import { linger } from './linger.ts';

/** Answers of Google's front end: its own page, or a line of text. Clients must not expect a problem document. */
const BODIES = {
  404: page(404, 'Not Found', 'The requested URL was not found on this server.'),
  413: page(413, 'Request Entity Too Large', 'Your client issued a request that was too large.'),
  429: 'Rate exceeded.',
  /** Also of an answer over 32 MiB with a length: the body is empty. */
  500: '',
  504: 'upstream request timeout',
} as const;

/** Answers in place of the function. The rest of the request is read and discarded. */
export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  status: keyof typeof BODIES,
): void {
  const body = BODIES[status];
  const type = body.startsWith('<') ? 'text/html; charset=UTF-8' : 'text/plain';
  response.writeHead(status, {
    ...(body && { 'Content-Type': type }),
    'Content-Length': Buffer.byteLength(body),
    Server: 'Google Frontend',
  });
  response.end(request.method === 'HEAD' ? undefined : body);
  linger(request);
}

function page(status: number, title: string, text: string): string {
  return (
    `<!DOCTYPE html><html lang=en><meta charset=utf-8><title>Error ${status} (${title})!!1</title>` +
    `<p><b>${status}.</b> <ins>That’s an error.</ins><p>${text} <ins>That’s all we know.</ins></html>\n`
  );
}
