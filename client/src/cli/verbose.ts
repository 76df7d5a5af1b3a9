import { randomBytes } from 'node:crypto';
import type { Fetch } from '../send.ts';

/** Headers by which servers name a request in their logs. */
const REQUEST_IDS = ['x-request-id', 'x-cloud-trace-context', 'x-guploader-uploadid'] as const;

/**
 * Tells each request to `write`: method, address without its query (which may be a secret), status, milliseconds until the head of
 * the answer, and the ids that find its log lines. All requests are of one trace, which the service's log lines and events continue.
 */
export function verbose(fetch: Fetch, write: (line: string) => void): Fetch {
  const trace = randomBytes(16).toString('hex');
  return async (url, init) => {
    const span = randomBytes(8).toString('hex');
    const began = performance.now();
    const tell = (outcome: string, ids: readonly string[] = []) => {
      const ms = Math.round(performance.now() - began);
      const about = [`trace ${trace}`, `span ${span}`, ...ids].join(' ');
      write(`${init.method ?? 'GET'} ${url.replace(/\?.*$/, '')} ${outcome} ${ms} ms ${about}`);
    };
    const headers = new Headers(init.headers);
    headers.set('traceparent', `00-${trace}-${span}-01`);
    try {
      const response = await fetch(url, { ...init, headers });
      const ids = REQUEST_IDS.flatMap((name) => {
        const id = response.headers.get(name);
        return id === null ? [] : [`${name} ${id}`];
      });
      tell(String(response.status), ids);
      return response;
    } catch (error) {
      tell(error instanceof Error && error.name === 'AbortError' ? 'aborted' : 'no answer');
      throw error;
    }
  };
}
