import type { IncomingMessage, ServerResponse } from 'node:http';
import { framingOf } from '../../shared/framework/framing.ts';
import { invalidRequest, Problem } from '../../shared/http/problems.ts';
import { itemIn } from './headers/item.ts';

/** Iteration of draft-ietf-httpbis-resumable-upload whose `104` is sent. */
const INTEROP_VERSION = 8;
export const PARTIAL_UPLOAD = 'application/partial-upload';
/** Bytes of a body that Cloud Run lets through over HTTP/1 with its head: https://cloud.google.com/run/quotas */
const MAX_APPEND_BYTES = 32 * 1024 * 1024 - 128 * 1024;

/**
 * Upload-Complete. The draft ignores a value that is no Boolean; the body would then be stored as a whole file, so it is
 * refused here.
 * @throws {Problem}
 */
export function uploadCompleteOf(request: IncomingMessage): boolean | undefined {
  const header = request.headers['upload-complete'];
  if (header === undefined) return undefined;
  const value = itemIn(header);
  if (typeof value === 'boolean') return value;
  throw invalidRequest('Upload-Complete should be ?0 or ?1.');
}

/** Upload-Offset or Upload-Length, bytes. As in the draft, any other value is as none. */
export function bytesIn(request: IncomingMessage, name: string): number | undefined {
  const value = itemIn(request.headers[name]);
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** Bytes of the body: 0 without one, undefined where only its end tells. */
export function bodyBytes(request: IncomingMessage): number | undefined {
  const { contentLength, chunked } = framingOf(request);
  return contentLength ?? (chunked ? undefined : 0);
}

/**
 * The length of the whole as a request tells it, at its offset.
 * @param known bytes, where an earlier request told it
 * @throws {Problem} `inconsistent-upload-length`, `upload-too-long` where the body is over it
 */
export function wholeLength(
  request: IncomingMessage,
  { offset, complete, known }: { offset: number; complete: boolean; known: number | undefined },
): number | undefined {
  const size = bodyBytes(request);
  const ended = complete && size !== undefined ? offset + size : undefined;
  const told = [known, bytesIn(request, 'upload-length'), ended].filter((length) => length !== undefined);
  const [length] = told;
  if (length === undefined) return undefined;
  if (told.some((other) => other !== length) || length < offset) throw inconsistent();
  if (size !== undefined && offset + size > length) throw new Problem('upload-too-long');
  return length;
}

export function inconsistent(): Problem {
  return new Problem('inconsistent-upload-length', {
    detail: 'Upload-Length, the end of a completing request and an earlier length differ.',
  });
}

/** The limits of an upload that is to be complete by then. */
export function uploadLimit(
  { terms, now }: { readonly terms: { readonly maxBytes: number }; readonly now: () => Date },
  expiresAt: Date,
): Record<string, string> {
  const age = Math.max(0, Math.floor((expiresAt.getTime() - now().getTime()) / 1000));
  const limits = [`max-size=${terms.maxBytes}`, `max-append-size=${MAX_APPEND_BYTES}`, `max-age=${age}`];
  return { 'upload-limit': limits.join(', ') };
}

/** Whether the client takes the `104` of this iteration, and this version of Node can send it. */
export function takesInterim(request: IncomingMessage, response: ServerResponse): boolean {
  const isSame = itemIn(request.headers['upload-draft-interop-version']) === INTEROP_VERSION;
  return isSame && request.httpVersion === '1.1' && 'writeInformation' in response;
}

/** Tells the address of an upload while its body is still to come. */
export function sendInterim(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
  response.writeInformation(104, { ...headers, 'upload-draft-interop-version': String(INTEROP_VERSION) });
}
