import type { IncomingHttpHeaders } from 'node:http';
import type { Answer } from '../answer.ts';
import type { Access } from './access.ts';
import type { Route } from './router.ts';

/** One request on its way through a handler. */
export interface Call {
  readonly route: Route;
  readonly method: string;
  readonly access: Access;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** The bytes of the request; it throws when the connection is cut. */
  readonly body: AsyncIterable<Buffer>;
  /** Scheme and authority that the client used, for links. */
  readonly base: string;
  /** Cuts the connection. */
  readonly cut: () => void;
}

export type Handler = (call: Call) => Answer | Promise<Answer>;
