import type { Agent } from 'node:http';
import { Readable } from 'node:stream';
import { Gaxios, GaxiosError, type GaxiosResponse } from 'gaxios';
import { onAbort } from '../runtime/abort.ts';
import { keptConnections } from './agent.ts';
import { StorageError } from './error.ts';
import { httpFetch, type RequestBody } from './http-fetch.ts';

/** Adds the credentials to a request; resolves to headers such as `authorization`. */
export type Authorize = () => Promise<Headers>;

export interface Call {
  /** JSON API method, such as `objects.get`, for errors and counters. */
  readonly operation: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path below the endpoint (already encoded), or the absolute URI of a resumable session. */
  readonly url: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or pieces of bytes that are kept by the caller and so can be sent again, or what comes bit by bit. */
  readonly body?:
    | { readonly json: unknown }
    | { readonly pieces: readonly Uint8Array[]; readonly length: number }
    | { readonly stream: Readable; readonly length: number };
  /** Statuses that are answers to the caller and not errors, beside 2xx. */
  readonly expect?: readonly number[];
  /**
   * Milliseconds until the head of the response must arrive. Without it, and for the body of a stream, the caller sets
   * a timeout.
   */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Answer<Body> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

/**
 * Maximum number of bytes passed to the connection in one vectored write, which TLS copies into one buffer.
 */
const AT_ONCE_BYTES = 1024 * 1024;
/** Longest excerpt of a message that is not JSON. */
const MESSAGE_LENGTH = 500;

/** Sends one HTTP request to Cloud Storage's JSON API, once; every failure is a {@link StorageError}. */
export class Transport {
  readonly #origin: string;
  readonly #authorize: Authorize | undefined;
  readonly #gaxios = new Gaxios();
  readonly #agent: Agent;

  constructor(endpoint: string, authorize?: Authorize) {
    this.#origin = new URL(endpoint).origin;
    this.#authorize = authorize;
    this.#agent = keptConnections(endpoint.startsWith('https:'));
  }

  async json(call: Call): Promise<Answer<unknown>> {
    const response = await this.#send<string>(call, 'text');
    return new Answered(response, parseJson(response.data));
  }

  async stream(call: Call): Promise<Answer<Readable>> {
    const response = await this.#send<Readable>(call, 'stream');
    return new Answered(response, response.data);
  }

  async #send<Body>(call: Call, responseType: 'text' | 'stream'): Promise<GaxiosResponse<Body>> {
    const limit = new AbortController();
    const { timeoutMs } = call;
    const timer =
      timeoutMs === undefined ? undefined : setTimeout(() => limit.abort(new Error('deadline')), timeoutMs);
    const signals = call.signal ? [call.signal, limit.signal] : [limit.signal];
    try {
      call.signal?.throwIfAborted();
      const { headers, body } = requestOf(call, await this.#credentials(signals));
      return await this.#gaxios.request<Body>({
        url: this.#url(call),
        method: call.method,
        responseType,
        // Otherwise Gaxios would look for a proxy.
        agent: this.#agent,
        // Headers, body and signals go past Gaxios, which would copy them several times over. Redirects are not
        // followed: 308 is "resume incomplete" here, and credentials follow nobody elsewhere.
        // Of all that fetch takes and answers, this is what gaxios uses.
        fetchImplementation: ((url: URL) =>
          httpFetch(url, {
            method: call.method,
            headers,
            body,
            agent: this.#agent,
            signals,
          })) as unknown as typeof fetch,
        retry: false,
        validateStatus: (status) =>
          (status >= 200 && status < 300) || (call.expect?.includes(status) ?? false),
      });
    } catch (error) {
      throw this.#failure(call, error, limit.signal.aborted);
    } finally {
      clearTimeout(timer);
    }
  }

  /** A token server may not respond: the deadline also covers fetching credentials. */
  async #credentials(signals: readonly AbortSignal[]): Promise<Record<string, string>> {
    if (!this.#authorize) return {};
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const letGo = onAbort(signals, reject);
    try {
      return Object.fromEntries(await Promise.race([this.#authorize(), aborted]));
    } finally {
      letGo();
    }
  }

  #url(call: Call): string {
    const url = call.url.startsWith('/') ? this.#origin + call.url : call.url;
    const query = Object.entries(call.query ?? {})
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`)
      .join('&');
    if (query === '') return url;
    return `${url}${url.includes('?') ? '&' : '?'}${query}`;
  }

  #failure(call: Call, error: unknown, timedOut: boolean): StorageError {
    if (error instanceof StorageError) return error;
    const response = error instanceof GaxiosError ? error.response : undefined;
    if (response) return answeredFailure(call, response);
    const reason = timedOut ? 'deadline' : call.signal?.aborted ? 'aborted' : 'connection';
    // The message of a GaxiosError may hold the URL, and the URL of a session is a bearer token.
    const code = (error as { code?: unknown }).code;
    const message = typeof code === 'string' ? code : (error as Error).name;
    return new StorageError(call.operation, { status: 0, reason, message });
  }
}

/** A class for the same reason as the response below Gaxios: its getter would be kept by a separate hidden class. */
class Answered<Body> implements Answer<Body> {
  readonly status: number;
  readonly body: Body;
  readonly #response: Pick<Response, 'headers'>;

  constructor(response: Pick<Response, 'status' | 'headers'>, body: Body) {
    this.status = response.status;
    this.body = body;
    this.#response = response;
  }

  get headers(): Headers {
    return this.#response.headers;
  }
}

function requestOf(
  call: Call,
  credentials: Readonly<Record<string, string>>,
): { headers: Record<string, string>; body: RequestBody | undefined } {
  // A transcoded response would differ from the stored and hashed bytes.
  const headers: Record<string, string> = { ...credentials, 'accept-encoding': 'identity', ...call.headers };
  if (!call.body) {
    if (call.method !== 'GET') headers['content-length'] = '0';
    return { headers, body: undefined };
  }
  if ('json' in call.body) {
    headers['content-type'] = 'application/json; charset=UTF-8';
    return { headers, body: JSON.stringify(call.body.json) };
  }
  const { length } = call.body;
  headers['content-length'] = String(length);
  if ('stream' in call.body) return { headers, body: call.body.stream };
  const { pieces } = call.body;
  const atOnce = pieces.length === 1 || length <= AT_ONCE_BYTES;
  return { headers, body: atOnce ? pieces : Readable.from(pieces, { objectMode: false }) };
}

/** Cloud Storage lists reasons, newer APIs of Google have a status: https://google.aip.dev/193 */
interface ErrorDetails {
  readonly message?: string;
  readonly status?: string;
  readonly errors?: readonly { readonly reason?: string }[];
}

function answeredFailure({ operation, url }: Call, response: GaxiosResponse): StorageError {
  const { data, status, headers } = response;
  const body = typeof data === 'string' ? parseJson(data) : data;
  const details = (body as { error?: ErrorDetails } | undefined)?.error;
  // A media request is refused with the bare message.
  const message = details?.message ?? (typeof data === 'string' ? data.slice(0, MESSAGE_LENGTH) : '');
  return new StorageError(operation, {
    status,
    reason: details?.errors?.[0]?.reason ?? details?.status ?? `http${status}`,
    message: isDenied(status) ? message + resourceOf(url) : message,
    retryAfterMs: parseRetryAfter(headers.get('retry-after')),
  });
}

const isDenied = (status: number): boolean => status === 401 || status === 403;

/** Google's message names the account and the permission, and not what it is needed on. A session's URI is a secret. */
function resourceOf(url: string): string {
  return url.startsWith('/') ? ` Resource: ${decodeURIComponent(url)}` : '';
}

/** RFC 9110 section 10.2.3: seconds, or a date. */
function parseRetryAfter(value: string | null, now: number = Date.now()): number | undefined {
  if (value === null) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
