import type { Viewer } from '../identity/caller.ts';
import type { Principal } from '../identity/principal.ts';
import type { Traceparent } from '../runtime/trace.ts';
import type { EngineVersion } from '../scanning/engine.ts';
import type { UnscannableReason } from '../scanning/verdict.ts';
import type { Generation } from '../storage/object.ts';
import type { CallbackUrl } from './callback-url.ts';
import type { CorrelationId } from './correlation-id.ts';
import type { FileId } from './file-id.ts';

declare const sha256: unique symbol;
/** SHA-256 of a content, 64 lower-case hex digits: the address of a blob. */
export type Sha256 = string & { readonly [sha256]: true };

export function parseSha256(text: string): Sha256 | undefined {
  return /^[0-9a-f]{64}$/.test(text) ? (text as Sha256) : undefined;
}

/** Facts about bytes computed by this service, never taken from a client. */
export interface Content {
  readonly size: number;
  readonly sha256: Sha256;
  /** Base64, as Cloud Storage writes it. */
  readonly crc32c: string;
}

/** How a file was scanned: in consecutive windows (docs/adr/0019). */
export type Coverage = 'windows';

/** The scanner and the time of a scan: it decided on exactly this generation of the unscanned object. */
export interface ScanResult {
  readonly generation: Generation;
  /** When the content was scanned; without a scan, when the verdict was given. */
  readonly scannedAt: Date;
  /**
   * When the verdict of an earlier scan of the same content was applied to this file; absent if the file was scanned.
   */
  readonly reusedAt?: Date;
  /** Absent if there was no scan, for example because the file exceeds the limit. */
  readonly engine?: EngineVersion;
  /** Absent where the file was scanned as a whole. */
  readonly coverage?: Coverage;
}

/** The scan that found a content clean. */
export interface CleanScan extends Pick<ScanResult, 'scannedAt' | 'coverage'> {
  readonly engine: EngineVersion;
}

/** A long scan in progress: a second delivery of its event backs off. */
export interface Lease {
  readonly holder: string;
  readonly until: Date;
}

/** Sent to the scanner again, because its event led to no verdict. */
export interface Redriven {
  /**
   * Count since it was uploaded, or since it was redriven after it had failed; those that led to no try do not count.
   */
  readonly times: number;
  readonly at: Date;
  /** Bytes of the file have reached ClamAV since: only then does this redrive count (docs/adr/0025). */
  readonly tried?: true;
}

/** A client's claims about bytes that it sent directly to Cloud Storage: checked, and never trusted. */
export interface DeclaredDigests {
  /** Bytes. */
  readonly size: number;
  readonly sha256?: Sha256;
}

/** A tus upload as it was created. How far it is, its parts say: shared/files/parts.ts. */
export interface TusUpload {
  readonly kind: 'tus';
  /** Size of the whole in bytes; absent if deferred. */
  readonly length?: number | undefined;
  /** Upload-Metadata as the client sent it. */
  readonly metadata?: string | undefined;
  /** Upload-Concat as the client sent it: absent for an upload that is neither partial nor made of such. */
  readonly concat?: string | undefined;
  /** Bytes that the client intends to send, of an upload that only its client completes: docs/adr/0015. */
  readonly announced?: number | undefined;
  /** Digest of the whole, as declared by the client. */
  readonly sha256?: Sha256 | undefined;
  readonly expiresAt: Date;
}

/** The client sends the bytes directly to a Cloud Storage session. */
export interface DirectUpload {
  readonly kind: 'direct';
  /** Bytes. */
  readonly length: number;
  /** URI, a bearer token; used only to cancel the session. */
  readonly session: string;
  /** Digest declared by the client. */
  readonly sha256?: Sha256;
  readonly expiresAt: Date;
}

export interface Stored {
  readonly id: FileId;
  readonly owner: Principal;
  /** Each principal once, including those with an expired grant that is not swept yet. */
  readonly viewers: readonly Viewer[];
  readonly createdAt: Date;
  /** Content type that the client declared. */
  readonly contentType: string;
  /** Name that the client gave it; shown to those who may see the file, never part of an object's name or a log. */
  readonly fileName?: string | undefined;
  /** Receiver of its events; its path may be a secret, so it is shown to nobody and never logged. */
  readonly callbackUrl?: CallbackUrl | undefined;
  readonly correlationId?: CorrelationId | undefined;
  /** Trace of the request that uploaded it: events and the log lines of its scan continue it. */
  readonly traceparent?: Traceparent | undefined;
  /** The end that its owner gave it. It is deleted from then on, whether anybody wrote that down or not: shared/files/ends.ts. */
  readonly expiresAt?: Date | undefined;
  /** The event that the file ends soon has been published. */
  readonly expiringAnnounced?: true;
  /**
   * Whether a resource refers to it, or did when this was last written: set before the first reference counts, and
   * cleared by the process that finds none. True keeps the file from being deleted until somebody has looked.
   */
  readonly referenced?: true;
  /** When the last reference was found gone; absent where it never had one. */
  readonly unreferencedSince?: Date | undefined;
}

/** The file was downloadable as clean before a later scan of its content found malware. */
export interface Recalled {
  readonly at: Date;
  /** The event that says so is out. */
  readonly announced?: true;
  /** It had not been clean, but accepted by policy although it could not be scanned. */
  readonly unscanned?: true;
  /** Kept where an operator condemned the content: taking that back is no scan. Absent where a scan found malware. */
  readonly clean?: CleanScan;
}

/** The file was infected before an operator released its content. */
export interface Released {
  readonly at: Date;
  /** Email of the operator. */
  readonly by: string;
  readonly reason: string;
  /** The event has been published, or there will be none. */
  readonly announced?: true;
}

export type FailureReason = 'sourceGone' | 'contentMismatch' | 'gaveUp';

/** The state of a file. Each state allows only its own fields. */
export type FileRecord = Stored &
  (
    | { readonly state: 'uploading'; readonly content?: never; readonly upload: TusUpload | DirectUpload }
    | {
        readonly state: 'pending';
        readonly content?: Content;
        readonly claims?: DeclaredDigests;
        readonly lease?: Lease;
        readonly redriven?: Redriven;
        /**
         * An upload with an idempotency key wrote it: where there is neither an object nor a verdict, a repeat may take
         * the file for abandoned, unless its uploader says first that it is complete.
         */
        readonly tentative?: true;
      }
    | {
        readonly state: 'clean';
        readonly content: Content;
        readonly scan: ScanResult;
        readonly released?: Released;
      }
    | {
        readonly state: 'infected';
        readonly content: Content;
        readonly scan: ScanResult;
        readonly signature: string;
        readonly recalled?: Recalled;
      }
    | {
        readonly state: 'unscannable';
        readonly content?: Content;
        readonly scan: ScanResult;
        readonly reason: UnscannableReason;
        readonly detail?: string;
        /** The policy of the deployment allows downloads anyway; it then has content. */
        readonly accepted: boolean;
      }
    | {
        readonly state: 'failed';
        readonly content?: Content;
        readonly claims?: DeclaredDigests;
        readonly failure: FailureReason;
        readonly failedAt: Date;
        /** The event that says so is out. */
        readonly announced?: true;
      }
    | { readonly state: 'expired'; readonly content?: Content }
    | {
        readonly state: 'deleted';
        readonly content?: Content;
        readonly deletedAt: Date;
        /** The event has been published, and the content released. */
        readonly announced?: true;
      }
  );

export type UploadingRecord = Extract<FileRecord, { state: 'uploading' }>;
export type PendingRecord = Extract<FileRecord, { state: 'pending' }>;
export type FailedRecord = Extract<FileRecord, { state: 'failed' }>;
export type CleanRecord = Extract<FileRecord, { state: 'clean' }>;
export type InfectedRecord = Extract<FileRecord, { state: 'infected' }>;
export type DeletedRecord = Extract<FileRecord, { state: 'deleted' }>;
export type DecidedRecord = Extract<FileRecord, { scan: ScanResult }>;

/** A record without what its verdict adds. */
export type UnjudgedRecord = Exclude<FileRecord, DecidedRecord | FailedRecord>;
/** A record with a verdict, or with the work on one. */
export type JudgedRecord = PendingRecord | DecidedRecord | FailedRecord;

/** Whether the record has a verdict; it is then never scanned again for the same event. */
export function isDecided(record: FileRecord): record is DecidedRecord {
  return record.state === 'clean' || record.state === 'infected' || record.state === 'unscannable';
}
