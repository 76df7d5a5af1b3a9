import type { Addresses } from './addresses.ts';
import type { DownloadOptions } from './download.ts';
import type { HandleUnderWay, State } from './handle.ts';
import type { Token } from './http.ts';
import type { Fetch } from './send.ts';
import type { UploadStore } from './upload/store.ts';

export type FileshareOptions = Addresses & Settings;

interface Settings {
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
  /** Bytes from which on a tus upload is sent in several parts at once: 64 MiB by default. */
  readonly parallelFrom?: number | undefined;
  /** How many: 4 by default, 1 for one after the other. Each has a chunk in memory. */
  readonly parallel?: number | undefined;
  readonly fetch?: Fetch | undefined;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface DownloadRangesOptions extends DownloadOptions {
  /** 4 by default. */
  readonly connections?: number | undefined;
  /** Bytes of a part; 16 MiB by default. */
  readonly partSize?: number | undefined;
}

export interface WaitOptions extends CallOptions {
  /** Is told the handle each time the service has answered that it has not decided yet. */
  readonly onProgress?: ((handle: HandleUnderWay) => void) | undefined;
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
  /** `with-me`: the files of others that you or a group of yours may see. */
  readonly shared?: 'with-me' | undefined;
  /** Only files that were uploaded with it. All files are read for that. */
  readonly correlationId?: string | undefined;
}

export interface ShareOptions extends CallOptions {
  /** The end of the grant; a time as text has a zone (RFC 3339). */
  readonly until?: Date | string | undefined;
}

export interface PageOptions extends CallOptions {
  /** Items a page: 1 to 1 000, 100 by default. */
  readonly pageSize?: number | undefined;
}

/** Which resources refer to a file. While one does, the file stays. */
export interface References {
  /** @param uri absolute, at most 2 000 bytes */
  add(id: string, uri: string, options?: CallOptions): Promise<void>;
  remove(id: string, uri: string, options?: CallOptions): Promise<void>;
  list(id: string, options?: PageOptions): AsyncGenerator<string>;
}
