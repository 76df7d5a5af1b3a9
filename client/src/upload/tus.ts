import { idIn } from '../addresses.ts';
import type { Http } from '../http.ts';
import { sha256In } from '../sha256.ts';
import type { Job } from './options.ts';
import type { Part, Session } from './session.ts';

const VERSION = { 'tus-resumable': '1.0.0' };

/** Whether the service takes uploads by tus 1.0: https://tus.io/protocols/resumable-upload#options */
export async function offersTus(
  http: Http,
  signal: AbortSignal | undefined,
  extension?: 'concatenation',
): Promise<boolean> {
  const none = [400, 401, 403, 404, 405, 501];
  const response = await http.call('OPTIONS', '/uploads', { signal, accept: none });
  await response.body?.cancel();
  const listed = (name: string) => (response.headers.get(name) ?? '').split(',');
  if (!response.ok || !listed('tus-version').includes('1.0.0')) return false;
  return extension === undefined || listed('tus-extension').includes(extension);
}

/** Begins one. A repeat may begin two: the one that is not continued expires. @returns the id of the upload */
export async function createTus(job: Job): Promise<string> {
  const { size } = job.source;
  const length = size === undefined ? { 'upload-defer-length': '1' } : { 'upload-length': String(size) };
  return create(job, { ...length, 'upload-metadata': metadataOf(job) });
}

/** Begins an upload that becomes a part of a file: https://tus.io/protocols/resumable-upload#concatenation @returns its id */
export function createPartial(job: Job, length: number): Promise<string> {
  return create(job, { 'upload-concat': 'partial', 'upload-length': String(length) });
}

/** Makes complete parts a file. A repeat finds the same one. @param paths of the parts, in order @returns the id of the file */
export function concatenate(job: Job, paths: readonly string[], digest: string): Promise<string> {
  const concat = `final;${paths.join(' ')}`;
  return create(job, { 'upload-concat': concat, 'upload-metadata': metadataOf(job), 'repr-digest': digest });
}

function metadataOf({ name, type, correlationId, callbackUrl, expiresAt }: Job): string {
  const pairs = Object.entries({ filename: name, filetype: type, correlationId, callbackUrl, expiresAt });
  return pairs.flatMap(([key, value]) => (value === undefined ? [] : [`${key} ${base64(value)}`])).join();
}

async function create({ http, signal }: Job, described: Readonly<Record<string, string>>): Promise<string> {
  const response = await http.call('POST', '/uploads', { headers: { ...VERSION, ...described }, signal });
  await response.body?.cancel();
  const location = response.headers.get('location');
  if (!location) throw new TypeError('POST /uploads: an answer without Location');
  return idIn(location);
}

export class TusSession implements Session {
  readonly #http: Http;
  readonly #path: string;
  readonly #size: number | undefined;
  sha256: string | undefined;

  /** @param size bytes, where they were announced */
  constructor(http: Http, path: string, size: number | undefined) {
    this.#http = http;
    this.#path = path;
    this.#size = size;
  }

  async offset(signal: AbortSignal | undefined): Promise<number> {
    return this.#told(await this.#http.call('HEAD', this.#path, { headers: VERSION, signal }));
  }

  async send({ start, bytes, last, onSent }: Part, signal: AbortSignal | undefined): Promise<number> {
    const end = { 'upload-length': String(start + bytes.length) };
    const headers = {
      ...VERSION,
      'upload-offset': String(start),
      'content-type': 'application/offset+octet-stream',
      ...(last && this.#size === undefined && end),
    };
    const call = { headers, body: bytes, signal, onSent, once: true };
    return this.#told(await this.#http.call('PATCH', this.#path, call));
  }

  #told({ headers }: Response): number {
    this.sha256 = sha256In(headers.get('repr-digest'));
    const offset = Number(headers.get('upload-offset') ?? Number.NaN);
    if (Number.isSafeInteger(offset)) return offset;
    throw new TypeError('tus: an answer without Upload-Offset');
  }
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
