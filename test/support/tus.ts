import { createHash } from 'node:crypto';
import type { CallInit, Service } from './service.ts';

export const OFFSET_TYPE = { 'content-type': 'application/offset+octet-stream' };

/** The requests of tus 1.0.0, as bare as they come. */
export class TusRequests {
  readonly #service: Service;

  constructor(service: Service) {
    this.#service = service;
  }

  send(method: string, path: string, { headers, ...init }: CallInit = {}): Promise<Response> {
    return this.#service.call(method, path, { ...init, headers: { 'tus-resumable': '1.0.0', ...headers } });
  }

  /** @returns the path of a new upload */
  async create(headers: Record<string, string>, body?: Buffer<ArrayBuffer>): Promise<string> {
    const withBody = body && { body, headers: { ...OFFSET_TYPE, ...headers } };
    const response = await this.send('POST', '/uploads', withBody ?? { headers });
    const location = response.headers.get('location');
    if (response.status !== 201 || !location) throw new Error(`${response.status} ${await response.text()}`);
    return location;
  }

  patch(
    path: string,
    offset: number,
    body: Buffer<ArrayBuffer> | ReadableStream,
    headers: Record<string, string> = {},
    at?: string,
  ): Promise<Response> {
    return this.send('PATCH', path, {
      ...(at !== undefined && { at }),
      body,
      headers: { ...OFFSET_TYPE, 'upload-offset': String(offset), ...headers },
    });
  }

  async offset(path: string): Promise<number> {
    const response = await this.send('HEAD', path);
    if (response.status !== 200) throw new Error(`HEAD ${path}: ${response.status}`);
    return Number(response.headers.get('upload-offset'));
  }
}

export function idOf(path: string): string {
  return path.replace('/uploads/', '');
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
