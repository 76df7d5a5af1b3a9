import { type Download, type DownloadOptions } from './download.ts';
import { type Handle, type State, type Viewers } from './handle.ts';
import { type Token } from './http.ts';
import type { Fetch } from './send.ts';
import { type UploadSource } from './source.ts';
import type { UploadOptions } from './upload/options.ts';
import { type UploadStore } from './upload/store.ts';
export interface FileshareOptions {
    /** Where the service is, such as `https://fileshare.example.org`. */
    readonly url: string | URL;
    /** A JWT, or what gets one: it is asked before each request. */
    readonly token?: Token | undefined;
    /** Remembers uploads that are under way; by default localStorage in browsers, nothing elsewhere. */
    readonly store?: UploadStore | undefined;
    /** How often what failed for the moment is tried again, with back-off; 5 by default. */
    readonly retries?: number | undefined;
    /** Seconds without a byte after which a connection is given up; 60 by default. */
    readonly idleSeconds?: number | undefined;
    /** Bytes up to which a file goes in one request; 8 MiB by default. */
    readonly postUpTo?: number | undefined;
    /** Bytes from which on a file goes straight to Cloud Storage, where the service offers it; 256 MiB by default. */
    readonly directFrom?: number | undefined;
    /** Bytes in each request of a larger upload, kept in memory; 16 MiB by default, a multiple of 256 KiB. */
    readonly chunkSize?: number | undefined;
    readonly fetch?: Fetch | undefined;
}
export interface CallOptions {
    readonly signal?: AbortSignal | undefined;
}
export interface WaitOptions extends CallOptions {
    /** Seconds; without it, for as long as it takes. */
    readonly timeout?: number | undefined;
}
export interface ListOptions extends CallOptions {
    /** Only files in these states. Deleted and expired ones are listed only when asked for. */
    readonly state?: State | readonly State[] | undefined;
    /** Files a page: 1 to 1 000, 100 by default. */
    readonly pageSize?: number | undefined;
    /** The files of another owner; for administrators. */
    readonly owner?: string | undefined;
}
/** Which resources refer to a file. While one does, the file stays. */
export interface References {
    /** @param uri absolute, at most 2 000 bytes */
    add(id: string, uri: string, options?: CallOptions): Promise<void>;
    remove(id: string, uri: string, options?: CallOptions): Promise<void>;
    list(id: string, options?: CallOptions & {
        readonly pageSize?: number;
    }): AsyncGenerator<string>;
}
/**
 * HOPS Fileshare, for one caller. Every method throws `FileshareProblem` where the service says no,
 * `FileshareConnectionError` where it cannot be reached, and the reason of the signal where it was aborted.
 */
export declare class Fileshare {
    #private;
    constructor(options: FileshareOptions);
    /**
     * Uploads a file: in one request where it is small, else in several, which go on after a break. A source with a
     * fingerprint (a File, or `fileSource(path)`) that was begun earlier goes on where it stood.
     * @returns the handle, most often `pending`: see `wait`
     * @throws {FileshareIntegrityError} where the service has got other bytes than were sent
     */
    upload(source: UploadSource, options?: UploadOptions): Promise<Handle>;
    /** What became of a file. */
    status(id: string, { signal }?: CallOptions): Promise<Handle>;
    /**
     * The handle of a file once the service has decided; whatever it decided: see its `state`.
     * @throws {FileshareTimeout} where it has not within `timeout`
     */
    wait(id: string, { timeout, signal }?: WaitOptions): Promise<Handle>;
    /** Begins a download; its stream is checked against the SHA-256 of the file, and goes on after a break. */
    download(id: string, options?: DownloadOptions): Promise<Download>;
    /** Lets a principal such as `org:889640782` view a file. */
    share(id: string, principal: string, { signal }?: CallOptions): Promise<void>;
    /** No longer lets a principal view a file. */
    unshare(id: string, principal: string, { signal }?: CallOptions): Promise<void>;
    viewers(id: string, { signal }?: CallOptions): Promise<Viewers>;
    readonly references: References;
    /** Your files, newest first; pages are fetched as they are needed. */
    list({ state, pageSize, owner, signal }?: ListOptions): AsyncGenerator<Handle>;
    /** Takes a file back. @throws {FileshareProblem} `file-referenced` while resources refer to it */
    delete(id: string, { signal }?: CallOptions): Promise<void>;
}
