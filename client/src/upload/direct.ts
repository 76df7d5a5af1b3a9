import { FileshareProblem } from '../errors.ts';
import type { Handle } from '../handle.ts';
import type { Http } from '../http.ts';
import type { Job } from './options.ts';
import type { Part, Session } from './session.ts';

export interface Direct {
  readonly uploadUrl: string;
  readonly handle: Handle;
}

/**
 * Orders a session of Cloud Storage for one file. A repeat may order two: that which nobody uses expires.
 * @returns undefined where the service does not offer it
 */
export async function openDirect({
  http,
  source,
  name,
  type,
  correlationId,
  callbackUrl,
  expiresAt,
  signal,
}: Job): Promise<Direct | undefined> {
  // Cloud Storage lets pages of this one origin send the bytes.
  const { origin } = (globalThis as { location?: { origin?: string } }).location ?? {};
  const order = {
    size: source.size,
    contentType: type,
    ...(name !== undefined && { fileName: name }),
    ...(correlationId !== undefined && { correlationId }),
    ...(callbackUrl !== undefined && { callbackUrl }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(origin && /^https?:/.test(origin) && { origin }),
  };
  const headers = { 'content-type': 'application/json' };
  const body = new TextEncoder().encode(JSON.stringify(order));
  try {
    return await http.json<Direct>('POST', '/uploads/direct', { headers, body, signal });
  } catch (error) {
    if (error instanceof FileshareProblem && [404, 405, 501].includes(error.status)) return undefined;
    throw error;
  }
}

/** https://cloud.google.com/storage/docs/performing-resumable-uploads */
export class DirectSession implements Session {
  readonly #http: Http;
  readonly #url: string;
  readonly #size: number;

  constructor(http: Http, url: string, size: number) {
    this.#http = http;
    this.#url = url;
    this.#size = size;
  }

  async offset(signal: AbortSignal | undefined): Promise<number> {
    const headers = { 'content-range': `bytes */${this.#size}` };
    return this.#standing(await this.#http.call('PUT', this.#url, { headers, signal, accept: [308] }));
  }

  async send({ start, bytes, onSent }: Part, signal: AbortSignal | undefined): Promise<number> {
    const range = `bytes ${start}-${start + bytes.length - 1}/${this.#size}`;
    const call = {
      headers: { 'content-range': range },
      body: bytes,
      signal,
      onSent,
      once: true,
      accept: [308],
    };
    return this.#standing(await this.#http.call('PUT', this.#url, call));
  }

  /** 308 tells the last byte that is kept, or none; anything else that is no problem has them all. */
  async #standing(response: Response): Promise<number> {
    await response.body?.cancel();
    if (response.status !== 308) return this.#size;
    const [, last] = /^bytes=0-(\d+)$/.exec(response.headers.get('range') ?? '') ?? [];
    return last === undefined ? 0 : Number(last) + 1;
  }
}
