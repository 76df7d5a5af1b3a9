import { type Hosts, hostOf } from './addresses.ts';
import { backoffMs, sleep } from './backoff.ts';
import { bodyOf } from './download-body.ts';
import { FileshareConnectionError, FileshareProblem, problemOf } from './errors.ts';
import { Idle } from './idle.ts';
import { type Fetch, send } from './send.ts';

/** A JWT, or what gets one: it is asked before each request, so that it can renew it. */
export type Token = string | (() => string | Promise<string>);

export interface HttpOptions {
  readonly hosts: Hosts;
  readonly token?: Token | undefined;
  readonly fetch: Fetch;
  /** How often a request that may be repeated is repeated. */
  readonly retries: number;
  /** Milliseconds without any progress after which a connection is given up. */
  readonly idleMs: number;
}

export interface Call {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer> | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onSent?: ((bytes: number) => void) | undefined;
  /** Milliseconds that an answer may take beside what is usual: a long poll. */
  readonly patienceMs?: number;
  /** Whether it is sent once only. Everything else may come twice without harm. */
  readonly once?: boolean;
  /** Statuses beside 2xx that are no problem. */
  readonly accept?: readonly number[];
  /** Whether the answer is read to its end at once: one that breaks off is asked for again. */
  readonly buffered?: boolean;
}

/** Bytes: more than any answer has that is no file. */
const MOST_BYTES = 32 * 1024 * 1024;

/** Seconds: a caller that is asked to wait for longer is told, rather than kept waiting. */
const LONGEST_WAIT = 60;
const PASSING = new Set([408, 423, 429, 500, 502, 503, 504]);

/** Requests to the service: with its token, again after what passes, and with every refusal as an error. */
export class Http {
  readonly options: HttpOptions;

  constructor(options: HttpOptions) {
    this.options = options;
  }

  /**
   * @param target a path of the service, or an absolute URL, which is sent no token: none leaves the two hosts
   * @throws {FileshareProblem}, {FileshareConnectionError}, the reason of `signal`
   */
  async call(method: string, target: string, call: Call = {}): Promise<Response> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#attempt(method, target, call);
      } catch (error) {
        call.signal?.throwIfAborted();
        if (call.once || attempt >= this.options.retries || !isPassing(error)) throw error;
        await sleep(pauseMs(error, attempt), call.signal);
      }
    }
  }

  async json<T>(method: string, path: string, call: Call = {}): Promise<T> {
    return jsonIn<T>(await this.call(method, path, { ...call, buffered: true }), path);
  }

  async #attempt(method: string, target: string, call: Call): Promise<Response> {
    const { body, onSent, accept = [], patienceMs = 0 } = call;
    const own = target.startsWith('/');
    const headers = { ...call.headers, ...(own && (await this.#authorization())) };
    const url = own ? hostOf(this.options.hosts, method, target) + target : target;
    const idle = new Idle(this.options.idleMs + patienceMs, call.signal);
    const progress = onSent && progressOf(onSent, idle);
    const sending = { method, headers, body, signal: idle.signal, onSent: progress };
    const response = await send(this.options.fetch, url, sending)
      .catch((cause: unknown) => {
        call.signal?.throwIfAborted();
        throw new FileshareConnectionError(`${method} ${withoutSecrets(url)}: no answer`, { cause });
      })
      .finally(() => idle.end());
    const { idleMs } = this.options;
    if (response.ok || accept.includes(response.status))
      return call.buffered ? buffered(response, idleMs) : response;
    const { status, statusText, headers: told } = response;
    const bare = () => new Response(null, { status, statusText, headers: told });
    throw await problemOf(await buffered(response, idleMs).catch(bare));
  }

  async #authorization(): Promise<Record<string, string>> {
    const { token } = this.options;
    const value = typeof token === 'function' ? await token() : token;
    return value ? { authorization: `Bearer ${value.trim()}` } : {};
  }
}

/** @throws {FileshareConnectionError} where it breaks off or does not end */
async function buffered(response: Response, idleMs: number): Promise<Response> {
  const { status, statusText, headers } = response;
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const piece of bodyOf(response, 0, idleMs)) {
    size += piece.length;
    if (size > MOST_BYTES) throw new FileshareConnectionError('the answer does not end');
    pieces.push(new Uint8Array(piece));
  }
  return new Response(size === 0 ? null : new Blob(pieces), { status, statusText, headers });
}

/** @param what is told where something in front of the service answers otherwise @throws {FileshareConnectionError} */
export async function jsonIn<T>(response: Response, what: string): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch (cause) {
    throw new FileshareConnectionError(`${what}: the answer is not JSON`, { cause });
  }
}

function progressOf(onSent: (bytes: number) => void, idle: Idle): (bytes: number) => void {
  return (bytes) => {
    idle.reset();
    onSent(bytes);
  };
}

/** The address of an upload session is a secret, in its query. */
function withoutSecrets(url: string): string {
  return url.replace(/\?.*$/, '');
}

/** Whether the same request may succeed a little later, within a minute. */
export function isPassing(error: unknown): boolean {
  if (error instanceof FileshareConnectionError) return true;
  if (!(error instanceof FileshareProblem)) return false;
  if ((error.retryAfter ?? 0) > LONGEST_WAIT) return false;
  return PASSING.has(error.status) || error.code === 'idempotency-in-progress';
}

/** Milliseconds to wait before the next attempt. */
export function pauseMs(error: unknown, attempt: number): number {
  const asked = error instanceof FileshareProblem ? (error.retryAfter ?? 0) * 1000 : 0;
  return Math.max(asked, backoffMs(attempt));
}
