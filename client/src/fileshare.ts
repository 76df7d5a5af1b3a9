import { hostsOf } from './addresses.ts';
import { type Download, type DownloadOptions, download } from './download.ts';
import { fetchRanges, type RangeTarget } from './download-ranges.ts';
import { isSameTime, timeOf } from './ends.ts';
import type { DecidedHandle, Handle, Receipt, Viewers } from './handle.ts';
import { type Call, Http } from './http.ts';
import type { ServiceNotice } from './notice.ts';
import type {
  CallOptions,
  DownloadRangesOptions,
  FileshareOptions,
  ListOptions,
  PageOptions,
  References,
  ShareOptions,
  WaitOptions,
} from './options.ts';
import { pages } from './pages.ts';
import type { Fetch } from './send.ts';
import { openSource, type UploadSource } from './source.ts';
import { type Entry, type UploadAllOptions, type Uploaded, uploadAll } from './upload/many.ts';
import type { UploadOptions } from './upload/options.ts';
import { defaultStore } from './upload/store.ts';
import { requireDigest, upload } from './upload/upload.ts';
import type { VerdictEnvelope } from './verdict.ts';
import { waitForVerdict } from './wait.ts';

const MIB = 1024 * 1024;

/**
 * HOPS Fileshare, for one caller. Every method throws `FileshareProblem` where the service says no,
 * `FileshareConnectionError` where it cannot be reached, and the reason of the signal where it was aborted.
 */
export class Fileshare {
  readonly #http: Http;
  readonly #options: FileshareOptions;
  readonly #unconfirmed = new Map<string, string>();

  constructor(options: FileshareOptions) {
    const { token, retries = 5, idleSeconds = 60, fetch = globalThis.fetch, chunkSize } = options;
    if (chunkSize !== undefined && (chunkSize < 1 || chunkSize % (MIB / 4) !== 0)) {
      throw new RangeError('chunkSize should be a multiple of 256 KiB.');
    }
    this.#options = options;
    const fetcher: Fetch = (target, init) => fetch(target, init);
    const hosts = hostsOf(options);
    this.#http = new Http({ hosts, token, retries, idleMs: idleSeconds * 1000, fetch: fetcher });
  }

  /**
   * Uploads a file: in one request where it is small, else in several, which go on after a break. A source with a
   * fingerprint (a File, or `fileSource(path)`) that was begun earlier goes on where it stood.
   * One that was begun with another end gets this one.
   * @returns the handle, most often `pending`: see `wait`
   * @throws {FileshareIntegrityError} where the service has got other bytes than were sent
   */
  async upload(source: UploadSource, options: UploadOptions = {}): Promise<Handle> {
    const opened = openSource(source);
    const { name = opened.name, type = opened.type, signal, onProgress, via } = options;
    const { idempotencyKey, correlationId, callbackUrl } = options;
    const expiresAt = timeOf(options.expiresAt);
    const { store = defaultStore(), chunkSize = 16 * MIB } = this.#options;
    const { postUpTo = 8 * MIB, directFrom = 256 * MIB } = this.#options;
    const { parallelFrom = 64 * MIB, parallel = 4 } = this.#options;
    const job = {
      http: this.#http,
      source: opened,
      name,
      type: type ?? 'application/octet-stream',
      store,
      signal,
      onProgress: onProgress ?? (() => undefined),
      idempotencyKey,
      correlationId,
      callbackUrl,
      expiresAt,
      chunkSize,
      unconfirmed: this.#unconfirmed,
    };
    const handle = await upload(job, { postUpTo, directFrom, parallelFrom, parallel }, via);
    if (!expiresAt || handle.state === 'deleted' || isSameTime(handle.expiresAt, expiresAt)) return handle;
    await this.expire(handle.id, expiresAt, { signal });
    return { ...handle, expiresAt };
  }

  /**
   * Uploads the files of a folder, several at a time: `folder(path)` in Node, `pickedFiles(input.files)` in browsers. Yields
   * each as soon as its upload is over, also one that failed; the others go on.
   * @throws the reason of the signal, when all that was under way has stopped
   */
  uploadAll(
    entries: Iterable<Entry> | AsyncIterable<Entry>,
    options: UploadAllOptions = {},
  ): AsyncGenerator<Uploaded> {
    return uploadAll((source, each) => this.upload(source, each), entries, options);
  }

  /** Whether new uploads are taken, and what the operators tell users; needs no token. */
  notice({ signal }: CallOptions = {}): Promise<ServiceNotice> {
    return this.#http.json('GET', '/notice', { signal });
  }

  /** Outcome of a file. */
  status(id: string, { signal }: CallOptions = {}): Promise<Handle> {
    return this.#http.json('GET', `${pathOf(id)}/status`, { signal });
  }

  /**
   * A signed statement of what the service decided on a file: `verifyVerdict` of `hops-fileshare-client/node` checks it.
   * @throws {FileshareProblem} as `download` where nothing was decided, or where malware was found since
   */
  verdict(id: string, { signal }: CallOptions = {}): Promise<VerdictEnvelope> {
    return this.#http.json('GET', `${pathOf(id)}/verdict`, { signal });
  }

  /** The same statement as a JWS in the compact serialization. */
  async verdictJws(id: string, { signal }: CallOptions = {}): Promise<string> {
    const headers = { accept: 'application/jose' };
    return (await this.#http.call('GET', `${pathOf(id)}/verdict`, { signal, headers })).text();
  }

  /**
   * The handle of a file once the service has decided; whatever it decided: see its `state`.
   * @throws {FileshareTimeout} where it has not within `timeout`, {FileshareIntegrityError} where it has other bytes than this client sent
   */
  async wait(id: string, options: WaitOptions = {}): Promise<DecidedHandle> {
    const status = (call: Call) => this.#http.json<Handle>('GET', `${pathOf(id)}/status`, call);
    const handle = await waitForVerdict(id, status, options);
    const [stored, expected] = [handle.sha256, this.#unconfirmed.get(id)];
    this.#unconfirmed.delete(id);
    if (stored !== undefined && expected !== undefined)
      await requireDigest(this.#http, { id, stored, expected, signal: options.signal });
    return handle;
  }

  /**
   * Downloads the parts that `target` lacks over several connections, and verifies the whole. `downloadFile` in Node is built of it.
   * @param of what `download` told; its stream is cancelled
   * @throws {FileshareIntegrityError} where the bytes in the target are not those of the file
   */
  async downloadRanges(
    id: string,
    of: Download,
    target: RangeTarget,
    { connections = 4, partSize = 16 * MIB, signal, onProgress }: DownloadRangesOptions = {},
  ): Promise<void> {
    await of.stream.cancel();
    const { size, sha256, etag } = of;
    const onReceived = (received: number) => onProgress?.({ received, size });
    const file = { path: pathOf(id), size, sha256, etag };
    await fetchRanges(this.#http, file, target, { connections, partSize, signal, onReceived });
  }

  /** Begins a download; its stream is checked against the SHA-256 of the file, and goes on after a break. */
  download(id: string, options: DownloadOptions = {}): Promise<Download> {
    return download(this.#http, id, options);
  }

  /**
   * Lets principals such as `org:889640782` view a file, all of them or none. The end given here, or none, replaces that of an
   * earlier grant.
   */
  async share(
    id: string,
    principals: string | readonly string[],
    { until, signal }: ShareOptions = {},
  ): Promise<void> {
    const end = until === undefined ? {} : { until: timeOf(until) };
    const grant = [principals].flat().map((principal) => ({ principal, ...end }));
    if (grant.length > 0) await this.#send('PATCH', `${pathOf(id)}/viewers`, { grant }, signal);
  }

  /** Gives a file another end, or none: it is deleted then. @throws {FileshareProblem} `file-referenced` while resources refer to it */
  async expire(id: string, at: Date | string | undefined, { signal }: CallOptions = {}): Promise<void> {
    const path = `${pathOf(id)}/expiration`;
    if (at === undefined) await this.#http.call('DELETE', path, { signal });
    else await this.#send('PUT', path, { expiresAt: timeOf(at) }, signal);
  }

  /** No longer lets a principal view a file. */
  async unshare(id: string, principal: string, { signal }: CallOptions = {}): Promise<void> {
    await this.#http.call('DELETE', `${pathOf(id)}/viewers/${encodeURIComponent(principal)}`, { signal });
  }

  viewers(id: string, { signal }: CallOptions = {}): Promise<Viewers> {
    return this.#http.json('GET', `${pathOf(id)}/viewers`, { signal });
  }

  readonly references: References = {
    add: async (id, uri, { signal } = {}) => {
      await this.#http.call('PUT', `${pathOf(id)}/references/${encodeURIComponent(uri)}`, { signal });
    },
    remove: async (id, uri, { signal } = {}) => {
      await this.#http.call('DELETE', `${pathOf(id)}/references/${encodeURIComponent(uri)}`, { signal });
    },
    list: (id, options) =>
      pages<string, 'references'>(this.#http, `${pathOf(id)}/references`, 'references', options),
  };

  /** Asks for a scan of a clean file by the signatures of today; for its owner and administrators. */
  async rescan(id: string, { signal }: CallOptions = {}): Promise<Handle> {
    return this.#http.json<Handle>('POST', `${pathOf(id)}/rescan`, { signal });
  }

  /** The principals that have begun to download a file, once each; for its owner and administrators. */
  receipts(id: string, options?: PageOptions): AsyncGenerator<Receipt> {
    return pages<Receipt, 'receipts'>(this.#http, `${pathOf(id)}/receipts`, 'receipts', options);
  }

  /** Your files, or those that are shared with you, newest first; pages are fetched as they are needed. */
  list(options: ListOptions = {}): AsyncGenerator<Handle> {
    const { state = [], owner, shared, correlationId } = options;
    const query = new URLSearchParams([state].flat().map((name): [string, string] => ['state', name]));
    if (owner !== undefined) query.set('owner', owner);
    if (shared !== undefined) query.set('shared', shared);
    if (correlationId !== undefined) query.set('correlationId', correlationId);
    return pages<Handle, 'files'>(this.#http, '/files', 'files', options, query);
  }

  /** Takes a file back. @throws {FileshareProblem} `file-referenced` while resources refer to it */
  async delete(id: string, { signal }: CallOptions = {}): Promise<void> {
    await this.#http.call('DELETE', pathOf(id), { signal });
  }

  async #send(method: string, path: string, body: unknown, signal: AbortSignal | undefined): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    await this.#http.call(method, path, {
      headers,
      body: new TextEncoder().encode(JSON.stringify(body)),
      signal,
    });
  }
}

function pathOf(id: string): string {
  return `/files/${encodeURIComponent(id)}`;
}
