import type { Http } from '../http.ts';
import type { Opened } from '../source.ts';
import type { UploadStore } from './store.ts';

/** The ways in: one request, tus 1.0, or a session straight to Cloud Storage. */
export type Way = 'post' | 'tus' | 'direct';

export interface UploadProgress {
  /** Bytes that have gone out, those of earlier attempts included. */
  readonly sent: number;
  /** Bytes in all; undefined for a stream until its end. */
  readonly size: number | undefined;
  /** Bytes that an earlier attempt had brought there. */
  readonly resumedFrom: number;
}

export interface UploadOptions {
  /** Replaces the name of the source. */
  readonly name?: string | undefined;
  /** The media type, instead of that of the source. */
  readonly type?: string | undefined;
  /** The way in. Without it: by size, and by what the service offers. */
  readonly via?: Way | undefined;
  readonly onProgress?: ((progress: UploadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Key for uploads in one request, a random one by default: the same key within 24 hours gives the same file. */
  readonly idempotencyKey?: string | undefined;
  /** Your own identifier, for the handle, listings and events: 1 to 128 printable ASCII characters, no personal data. */
  readonly correlationId?: string | undefined;
  /** Receiver of the events of the file, at an origin that the deployment allows. */
  readonly callbackUrl?: string | undefined;
  /** The end of the file, which is deleted then; a time as text has a zone (RFC 3339). */
  readonly expiresAt?: Date | string | undefined;
}

/** Dependencies of an upload. */
export interface Job {
  readonly http: Http;
  readonly source: Opened;
  readonly name: string | undefined;
  readonly type: string;
  readonly store: UploadStore | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: (progress: UploadProgress) => void;
  readonly idempotencyKey: string | undefined;
  readonly correlationId: string | undefined;
  readonly callbackUrl: string | undefined;
  /** RFC 3339. */
  readonly expiresAt: string | undefined;
  /** Bytes: how much goes into one request. A multiple of 256 KiB, as Cloud Storage has it. */
  readonly chunkSize: number;
  /** Digests in hex that nothing has confirmed yet, by file: the service knows that of a direct session with the verdict. */
  readonly unconfirmed: Map<string, string>;
}
