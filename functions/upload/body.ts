import type { IncomingMessage } from 'node:http';
import { framingOf } from '../../shared/http/framing.ts';
import { Problem } from '../../shared/http/problems.ts';

/** The body, which throws where it ends before its framing says that it is over. */
export async function* bodyOf(request: IncomingMessage): AsyncGenerator<Uint8Array> {
  let size = 0;
  try {
    // Not destroyed with the iteration: the connection carries the answer too.
    for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      size += piece.length;
      yield piece;
    }
  } catch (cause) {
    throw incomplete(size, cause);
  }
  const { contentLength } = framingOf(request);
  if (!request.complete || (contentLength !== undefined && contentLength !== size)) throw incomplete(size);
}

function incomplete(size: number, cause?: unknown): Problem {
  return new Problem('upload-incomplete', { detail: `${size} bytes arrived.`, ...(cause ? { cause } : {}) });
}
