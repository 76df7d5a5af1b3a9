import type { IncomingMessage, ServerResponse } from 'node:http';
import { acceptBody, framingOf } from '../framework/framing.ts';
import { type BorrowedBytes, detach } from '../runtime/memory.ts';
import { invalidRequest, Problem } from './problems.ts';

/**
 * Reads the body of a request. A client that waits for `100 Continue` gets it when the first chunk is requested, and so
 * not at all if the request is refused before.
 * @throws {Problem} `upload-incomplete`, or `too-large` with the first byte that is more than `maxBytes`
 */
export async function* bodyOf(
  request: IncomingMessage,
  response: ServerResponse,
  maxBytes = Number.POSITIVE_INFINITY,
): AsyncGenerator<BorrowedBytes> {
  acceptBody(request, response);
  let size = 0;
  try {
    // Not destroyed with the iteration: the connection carries the answer too.
    for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      size += piece.length;
      if (size > maxBytes) throw tooLarge(maxBytes);
      yield piece;
      detach(piece);
    }
  } catch (cause) {
    throw cause instanceof Problem ? cause : incomplete(size, cause);
  }
  const { contentLength } = framingOf(request);
  if (!request.complete || (contentLength !== undefined && contentLength !== size)) throw incomplete(size);
}

/**
 * The JSON that a body is, and that is no list.
 * @param absent stands for a body without a byte, where there need not be one
 * @throws {Problem} `invalid-request` where it is longer, or none; and as {@link bodyOf}
 */
export async function jsonOf(
  request: IncomingMessage,
  response: ServerResponse,
  maxBytes: number,
  absent?: unknown,
): Promise<unknown> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of bodyOf(request, response)) {
    size += piece.length;
    if (size > maxBytes) throw invalidRequest('The JSON is too long.');
    pieces.push(Uint8Array.from(piece));
  }
  if (size === 0 && absent !== undefined) return absent;
  try {
    const json: unknown = JSON.parse(Buffer.concat(pieces).toString());
    // Schemas of objects take an empty list for one without members, and a grant without an end for none.
    if (!Array.isArray(json)) return json;
  } catch {
    throw invalidRequest('The body is not JSON.');
  }
  throw invalidRequest('The body should be a JSON object, not a list.');
}

/**
 * @param atMost bytes of the body, which may be more than the file
 * @throws {Problem} `too-large` where the framing says so, before a byte is read
 */
export function requireLength(request: IncomingMessage, atMost: number, maxBytes = atMost): void {
  const { contentLength } = framingOf(request);
  if (contentLength !== undefined && contentLength > atMost) throw tooLarge(maxBytes);
}

export function tooLarge(maxBytes: number): Problem {
  const detail = `A file may have at most ${maxBytes} bytes.`;
  return new Problem('too-large', { detail, members: { maxBytes } });
}

function incomplete(size: number, cause?: unknown): Problem {
  return new Problem('upload-incomplete', { detail: `${size} bytes arrived.`, ...(cause ? { cause } : {}) });
}
