import { backoffMs, sleep } from './backoff.js';
import { download } from './download.js';
import { FileshareTimeout } from './errors.js';
import { isUnderWay } from './handle.js';
import { Http } from './http.js';
import { openSource } from './source.js';
import { defaultStore } from './upload/store.js';
import { upload } from './upload/upload.js';
const MIB = 1024 * 1024;
/** Seconds: longer polls are cut off by proxies, and the service allows 60. */
const POLL_SECONDS = 30;
/**
 * HOPS Fileshare, for one caller. Every method throws `FileshareProblem` where the service says no,
 * `FileshareConnectionError` where it cannot be reached, and the reason of the signal where it was aborted.
 */
export class Fileshare {
    #http;
    #options;
    constructor(options) {
        const { url, token, retries = 5, idleSeconds = 60, fetch = globalThis.fetch, chunkSize } = options;
        if (chunkSize !== undefined && (chunkSize < 1 || chunkSize % (MIB / 4) !== 0)) {
            throw new RangeError('chunkSize should be a multiple of 256 KiB.');
        }
        this.#options = options;
        const fetcher = (target, init) => fetch(target, init);
        this.#http = new Http({ url: String(url), token, retries, idleMs: idleSeconds * 1000, fetch: fetcher });
    }
    /**
     * Uploads a file: in one request where it is small, else in several, which go on after a break. A source with a
     * fingerprint (a File, or `fileSource(path)`) that was begun earlier goes on where it stood.
     * @returns the handle, most often `pending`: see `wait`
     * @throws {FileshareIntegrityError} where the service has got other bytes than were sent
     */
    upload(source, options = {}) {
        const opened = openSource(source);
        const { name = opened.name, type = opened.type, signal, onProgress, via, idempotencyKey } = options;
        const { store = defaultStore(), chunkSize = 16 * MIB } = this.#options;
        const { postUpTo = 8 * MIB, directFrom = 256 * MIB } = this.#options;
        const job = {
            http: this.#http,
            source: opened,
            name,
            type: type ?? 'application/octet-stream',
            store,
            signal,
            onProgress: onProgress ?? (() => undefined),
            idempotencyKey,
            chunkSize,
        };
        return upload(job, { postUpTo, directFrom }, via);
    }
    /** What became of a file. */
    status(id, { signal } = {}) {
        return this.#http.json('GET', `${pathOf(id)}/status`, { signal });
    }
    /**
     * The handle of a file once the service has decided; whatever it decided: see its `state`.
     * @throws {FileshareTimeout} where it has not within `timeout`
     */
    async wait(id, { timeout = Number.POSITIVE_INFINITY, signal } = {}) {
        const end = Date.now() + timeout * 1000;
        for (let attempt = 0;; attempt++) {
            const seconds = Math.max(0, Math.min(POLL_SECONDS, Math.ceil((end - Date.now()) / 1000)));
            const headers = { prefer: `wait=${seconds}` };
            const asked = Date.now();
            const call = { signal, headers, patienceMs: seconds * 1000 };
            const handle = await this.#http.json('GET', `${pathOf(id)}/status`, call);
            if (!isUnderWay(handle))
                return handle;
            const left = end - Date.now();
            if (left <= 0)
                throw new FileshareTimeout(`${id} is still ${handle.state} after ${timeout} s`);
            // Who answers at once, and not when there is news, is not asked at once again.
            if (Date.now() - asked < seconds * 500)
                await sleep(Math.min(left, backoffMs(attempt)), signal);
        }
    }
    /** Begins a download; its stream is checked against the SHA-256 of the file, and goes on after a break. */
    download(id, options = {}) {
        return download(this.#http, id, options);
    }
    /** Lets a principal such as `org:889640782` view a file. */
    async share(id, principal, { signal } = {}) {
        await this.#http.call('PUT', `${pathOf(id)}/viewers/${encodeURIComponent(principal)}`, { signal });
    }
    /** No longer lets a principal view a file. */
    async unshare(id, principal, { signal } = {}) {
        await this.#http.call('DELETE', `${pathOf(id)}/viewers/${encodeURIComponent(principal)}`, { signal });
    }
    viewers(id, { signal } = {}) {
        return this.#http.json('GET', `${pathOf(id)}/viewers`, { signal });
    }
    references = {
        add: async (id, uri, { signal } = {}) => {
            await this.#http.call('PUT', `${pathOf(id)}/references/${encodeURIComponent(uri)}`, { signal });
        },
        remove: async (id, uri, { signal } = {}) => {
            await this.#http.call('DELETE', `${pathOf(id)}/references/${encodeURIComponent(uri)}`, { signal });
        },
        list: (id, { pageSize, signal } = {}) => {
            const query = new URLSearchParams(pageSize === undefined ? {} : { limit: String(pageSize) });
            return this.#pages(`${pathOf(id)}/references`, 'references', query, signal);
        },
    };
    /** Your files, newest first; pages are fetched as they are needed. */
    list({ state = [], pageSize, owner, signal } = {}) {
        const query = new URLSearchParams([state].flat().map((name) => ['state', name]));
        if (pageSize !== undefined)
            query.set('limit', String(pageSize));
        if (owner !== undefined)
            query.set('owner', owner);
        return this.#pages('/files', 'files', query, signal);
    }
    /** Takes a file back. @throws {FileshareProblem} `file-referenced` while resources refer to it */
    async delete(id, { signal } = {}) {
        await this.#http.call('DELETE', pathOf(id), { signal });
    }
    async *#pages(path, member, query, signal) {
        for (;;) {
            const target = query.size === 0 ? path : `${path}?${query}`;
            const page = await this.#http.json('GET', target, { signal });
            yield* page[member];
            if (page.next === undefined)
                return;
            query.set('cursor', page.next);
        }
    }
}
function pathOf(id) {
    return `/files/${encodeURIComponent(id)}`;
}
