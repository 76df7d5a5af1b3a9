import { type Hosts, hostOf } from '../../addresses.ts';
import type { Token } from '../../http.ts';
import type { Fetch } from '../../send.ts';
import { type Answer, requireStatus } from './answer.ts';
import { NotHeld } from './not-held.ts';

export interface Request {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer> | string;
  /** Bytes of the answer after which it is broken off. */
  readonly atMost?: number;
}

interface Limits {
  readonly fetch: Fetch;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** Requests of one principal, each sent once: what a client would retry is what a check wants to see. */
export class Caller {
  readonly hosts: Hosts;
  readonly #token: Token | undefined;
  readonly #limits: Limits;

  constructor(hosts: Hosts, token: Token | undefined, limits: Limits) {
    this.hosts = hosts;
    this.#token = token;
    this.#limits = limits;
  }

  /** The same principal under another signal, for what is to be done after an interruption. */
  under(signal: AbortSignal): Caller {
    return new Caller(this.hosts, this.#token, { ...this.#limits, signal });
  }

  /**
   * @param target a path of the service, or an absolute URL, which is sent no token
   * @throws {NotHeld} where there is no answer, the reason of the signal
   */
  async call(method: string, target: string, { headers = {}, body, atMost }: Request = {}): Promise<Answer> {
    const own = target.startsWith('/');
    const url = own ? hostOf(this.hosts, method, pathOf(target)) + target : target;
    const { fetch, signal, timeoutMs } = this.#limits;
    const timeout = AbortSignal.timeout(timeoutMs);
    // A request that may make a file is not broken off: it could be made after the cleanup has looked.
    const makes = own && method === 'POST';
    try {
      signal.throwIfAborted();
      const response = await fetch(url, {
        method,
        headers: { ...(own && (await this.#authorization())), ...headers },
        redirect: 'manual',
        signal: makes ? timeout : AbortSignal.any([signal, timeout]),
        ...(body !== undefined && { body }),
      });
      return {
        method,
        url,
        status: response.status,
        headers: response.headers,
        body: await read(response, atMost),
      };
    } catch (error) {
      signal.throwIfAborted();
      const got = timeout.aborted ? `no answer in ${timeoutMs / 1000} s` : causeOf(error);
      const hint = 'The address, DNS, the certificate, or a proxy: the connection failed or was closed.';
      throw new NotHeld(`an answer to ${method} ${url.replace(/\?.*$/, '')}`, got, hint);
    }
  }

  /** @throws {NotHeld} where the status is none of `statuses` */
  async expect(
    statuses: readonly number[],
    method: string,
    path: string,
    request?: Request,
  ): Promise<Answer> {
    return requireStatus(await this.call(method, path, request), ...statuses);
  }

  async #authorization(): Promise<Record<string, string>> {
    const token = typeof this.#token === 'function' ? await this.#token() : this.#token;
    return token ? { authorization: `Bearer ${token.trim()}` } : {};
  }
}

async function read(response: Response, atMost = Number.POSITIVE_INFINITY): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of response.body ?? []) {
    pieces.push(piece);
    length += piece.length;
    if (length >= atMost) break;
  }
  return Buffer.concat(pieces).subarray(0, atMost);
}

function causeOf(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  const { message, code } = (cause ?? error) as { message?: string; code?: string };
  return message || code || String(error);
}

function pathOf(target: string): string {
  return target.replace(/\?.*$/, '');
}
