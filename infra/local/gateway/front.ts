import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { forward, type Upstream } from './exchange.ts';
import { declaredBytes, headBytes } from './headers.ts';
import { isReserved, MESSAGE_BYTES, PENDING } from './limits.ts';
import { sendProblem } from './problem.ts';
import { refuse } from './refusals.ts';
import { Slots } from './slots.ts';

export interface FrontOptions {
  readonly upstream: Upstream;
  /** Requests that the one instance gets at a time. */
  readonly concurrency: number;
  /** Milliseconds from the beginning of a request to the end of its answer. */
  readonly timeoutMs: number;
  /** Milliseconds that an instance takes to start, on average. */
  readonly startMs?: () => number;
  /** Milliseconds that a request waits for an instance, in place of what Cloud Run documents; for tests. */
  readonly pendingMs?: number;
  /** Told of a request for which no instance became free. */
  readonly onRefused?: () => void;
}

/**
 * Does to requests as Cloud Run's front end does, for the requests of one service, of which one instance runs here.
 * Refused requests never reach the function, and are answered as Google does it: no problem document. Sources:
 * limits.ts.
 */
export function createFront(options: FrontOptions): RequestListener {
  const { upstream, concurrency, timeoutMs } = options;
  const slots = new Slots(concurrency);
  const pendingMs = () =>
    options.pendingMs ?? Math.max(PENDING.leastMs, PENDING.startTimes * (options.startMs?.() ?? 0));

  return async (request, response) => {
    request.pause();
    if (isReserved(pathOf(request))) return refuse(request, response, 404);
    if (!/^(chunked)?$/i.test(request.headers['transfer-encoding'] ?? '')) {
      sendProblem(response, 501, 'The only transfer coding here is chunked.', { Connection: 'close' });
      return;
    }
    if (headBytes(request) + declaredBytes(request) > MESSAGE_BYTES) {
      return refuse(request, response, 413);
    }
    const gone = goneSignal(response);
    const release = await slots.take(pendingMs(), gone);
    if (gone.aborted) return release?.();
    if (!release) {
      options.onRefused?.();
      return refuse(request, response, 429);
    }
    await forward({ request, response, upstream, timeoutMs });
    release();
  };
}

/** Path without the query. */
export function pathOf({ url = '/' }: IncomingMessage): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}

function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return gone.signal;
}
