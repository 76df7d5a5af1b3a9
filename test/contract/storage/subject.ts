import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage, storageOrigin } from '../../../shared/storage/connect.ts';
import { DEFAULT_RETRY } from '../../../shared/storage/retry.ts';
import type { Transport } from '../../../shared/storage/transport.ts';
import { CHUNK, FAST_RETRY } from '../../shared/storage/streams.ts';
import { type CallInit, type Reply, type Resource, send } from './http.ts';

/** Kinds of endpoints of Cloud Storage's API; each has its own exceptions. */
export type EndpointKind = 'emulator' | 'testbench' | 'google' | 'unknown';

const isGoogle = (url: string): boolean => new URL(url).origin === storageOrigin(undefined);

/** Finds out what serves an endpoint, by paths that only one of them has. */
export async function kindOf(url: string): Promise<EndpointKind> {
  if (isGoogle(url)) return 'google';
  if ((await send('GET', `${url}/_emulator/operations`)).status === 200) return 'emulator';
  return (await send('GET', `${url}/retry_tests`)).status === 200 ? 'testbench' : 'unknown';
}

/**
 * One endpoint as the cases see it: the service's own client, and bare requests. Names are prefixed, so that a bucket
 * may hold other objects, and several runs may use it at once.
 */
export class StorageSubject {
  readonly url: string;
  readonly bucketName: string;
  readonly otherName: string;
  readonly transport: Transport;
  /** The service's own client. */
  readonly bucket: Bucket;
  /** Target of copies; another bucket, unless there is only one. */
  readonly other: Bucket;
  readonly #prefix = `contract-${randomBytes(6).toString('hex')}/`;
  /** Headers with credentials, where the endpoint asks for them. */
  readonly authorization: () => Promise<Record<string, string>>;
  /** Cloud Storage takes one write a second to a name: https://cloud.google.com/storage/quotas#objects */
  readonly #paced: boolean;
  #serial = 0;

  private constructor(
    url: string,
    bucketNames: readonly [string, string],
    transport: Transport,
    authorization: () => Promise<Record<string, string>>,
  ) {
    this.url = url;
    [this.bucketName, this.otherName] = bucketNames;
    this.transport = transport;
    this.authorization = authorization;
    this.#paced = isGoogle(url);
    const options = { retry: this.#paced ? DEFAULT_RETRY : FAST_RETRY, timeoutMs: 30_000, chunkBytes: CHUNK };
    this.bucket = new Bucket(transport, this.bucketName, options);
    this.other = new Bucket(transport, this.otherName, options);
  }

  /** @param bucket an existing one to use; without it two are made */
  static async open(url: string, bucket?: string): Promise<StorageSubject> {
    const google = isGoogle(url);
    const transport = connectStorage(google ? undefined : url);
    if (bucket !== undefined) {
      return new StorageSubject(url, [bucket, bucket], transport, google ? googleToken() : async () => ({}));
    }
    if (google) throw new Error('--bucket must name an existing bucket');
    const name = `contract-${randomBytes(6).toString('hex')}`;
    const subject = new StorageSubject(url, [name, `${name}-other`], transport, async () => ({}));
    for (const each of [subject.bucketName, subject.otherName]) {
      (await subject.call('POST', '/storage/v1/b?project=contract', { json: { name: each } })).ok();
    }
    return subject;
  }

  /** Deletes whatever the cases left, and the buckets if they were made for them. */
  async close(): Promise<void> {
    for (const bucket of [this.bucket, this.other]) {
      for (let pageToken: string | undefined; ; ) {
        const page = await bucket.list({ prefix: this.#prefix, maxResults: 1000, pageToken });
        for (const object of page.objects) {
          if (object.held) {
            const json = { temporaryHold: false };
            (await this.call('PATCH', this.#pathOf(object.name, bucket.name), { json })).ok();
          }
          await bucket.delete(object.name, object);
        }
        pageToken = page.nextPageToken;
        if (!pageToken) break;
      }
      if (this.bucketName !== this.otherName) await this.call('DELETE', `/storage/v1/b/${bucket.name}`);
    }
  }

  /** The name as the endpoint has it. */
  name(name: string): string {
    return this.#prefix + name;
  }

  /** A name that no other case has used. */
  fresh(): string {
    return this.name(`fresh/${this.#serial++}`);
  }

  /** Path of the object with this name, which is prefixed here. */
  path(name: string): string {
    return this.#pathOf(this.name(name), this.bucketName);
  }

  otherPath(name: string): string {
    return this.#pathOf(this.name(name), this.otherName);
  }

  uploadPath(query: string): string {
    return `/upload/storage/v1/b/${this.bucketName}/o?${query}`;
  }

  /** @param path below the endpoint, or a whole URL */
  async call(method: string, path: string, init: CallInit = {}): Promise<Reply> {
    // A server may close an idle connection while a request is on its way; a bare request is not tried again.
    const headers = { connection: 'close', ...(await this.authorization()), ...init.headers };
    const url = path.startsWith('http') ? path : this.url + path;
    const reply = await send(method, url, { ...init, headers });
    if (!this.#paced || reply.status !== 429 || init.body instanceof ReadableStream) return reply;
    await delay(1_000);
    return this.call(method, path, init);
  }

  /** An upload in one request, without metadata. */
  async put(name: string, body: Uint8Array<ArrayBuffer> | string, query = ''): Promise<Resource> {
    const path = this.uploadPath(`uploadType=media&name=${encodeURIComponent(this.name(name))}${query}`);
    return (await this.call('POST', path, { body })).ok();
  }

  /** Opens a resumable upload. @returns the URI of its session */
  async session(name: string, query = '', init: CallInit = {}): Promise<string> {
    const path = this.uploadPath(`uploadType=resumable&name=${encodeURIComponent(this.name(name))}${query}`);
    const reply = await this.call('POST', path, { json: {}, ...init });
    const location = reply.headers.get('location');
    if (reply.status !== 200 || location === null) throw new Error(`${reply.status} ${reply.text}`);
    return location;
  }

  async media(name: string, query = '', headers: Record<string, string> = {}): Promise<Reply> {
    return this.call('GET', `${this.path(name)}?alt=media${query}`, { headers });
  }

  #pathOf(name: string, bucket: string): string {
    return `/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`;
  }
}

/** Application default credentials. */
function googleToken(): () => Promise<Record<string, string>> {
  const auth = import('google-auth-library').then(
    ({ GoogleAuth }) =>
      new GoogleAuth({ scopes: ['https://www.googleapis.com/auth/devstorage.full_control'] }),
  );
  return async () => Object.fromEntries(await (await (await auth).getClient()).getRequestHeaders());
}
