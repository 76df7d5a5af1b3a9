import type { Receipt } from './handle.ts';

interface EventBase {
  /** The same for each delivery of the same event, and for no other: what repeats are known by. */
  readonly id: string;
  /** When it was decided or happened, RFC 3339. */
  readonly time: string;
  /** Address of the deployment's files. */
  readonly source: string;
  /** W3C Trace Context of the upload; of an event of a file alone. */
  readonly traceparent?: string;
}

interface FileFacts {
  readonly fileId: string;
  readonly owner: string;
  /** The identifier that its uploader gave it. */
  readonly correlationId?: string;
  /** Bytes. */
  readonly size?: number;
  /** Lower-case hexadecimal digits. */
  readonly sha256?: string;
  readonly createdAt: string;
}

interface EventEngine {
  /** ClamAV's release. */
  readonly version: string;
  readonly database?: number;
  readonly databaseDate?: string;
}

/** A file has its verdict. */
export interface ScanCompleted extends EventBase {
  readonly type: 'no.nav.hops.fileshare.scan.completed.v1';
  readonly data: FileFacts & {
    readonly verdict: 'clean' | 'infected' | 'unscannable';
    readonly contentType: string;
    readonly signature?: string;
    readonly reason?: string;
    readonly detail?: string;
    readonly accepted?: boolean;
    /** When the content was scanned, perhaps before the file was there: see `reused`. */
    readonly scannedAt: string;
    /** An earlier scan of the same content decided. */
    readonly reused?: true;
    readonly engine?: EventEngine;
  };
}

/** The service gave a file up. */
export interface ScanFailed extends EventBase {
  readonly type: 'no.nav.hops.fileshare.scan.failed.v1';
  readonly data: FileFacts & {
    readonly verdict: 'failed';
    readonly reason: string;
    readonly contentType: string;
    readonly failedAt: string;
  };
}

/** A file was taken back, reached its end, or nothing referred to it any more. */
export interface FileDeleted extends EventBase {
  readonly type: 'no.nav.hops.fileshare.file.deleted.v1';
  readonly data: FileFacts & { readonly verdict: 'deleted'; readonly deletedAt: string };
}

/** A principal other than its owner has begun to download a file for the first time. */
export interface FileDownloaded extends EventBase {
  readonly type: 'no.nav.hops.fileshare.file.downloaded.v1';
  readonly data: FileFacts & {
    readonly verdict: 'clean' | 'unscannable';
    readonly size: number;
    readonly sha256: string;
    readonly downloadedBy: string;
    readonly downloadedAt: string;
  };
}

/** A file that was handed out is infected: a later scan of its content found malware. */
export interface FileRecalled extends EventBase {
  readonly type: 'no.nav.hops.fileshare.file.recalled.v1';
  readonly data: FileFacts & {
    readonly verdict: 'infected';
    readonly signature: string;
    readonly viewers: readonly string[];
    /** URIs of the resources that refer to it. */
    readonly references: readonly string[];
    /** The principals that have begun to download it, up to 1 000 of them. */
    readonly receipts: readonly Receipt[];
    /** There are more. */
    readonly moreReceipts?: true;
    readonly scannedAt: string;
    readonly recalledAt: string;
    /** Absent where an operator condemned the content. */
    readonly engine?: EventEngine;
  };
}

/** An operator's decision that a finding was a false positive. */
export interface EventRelease {
  readonly reason: string;
  readonly at: string;
}

/** A file that was infected is clean: an operator lifted the finding of its content. */
export interface FileReleased extends EventBase {
  readonly type: 'no.nav.hops.fileshare.file.released.v1';
  readonly data: FileFacts & {
    readonly verdict: 'clean';
    readonly released: EventRelease;
  };
}

type Present = 'uploading' | 'pending' | 'clean' | 'infected' | 'unscannable' | 'failed';

/** A principal was given a file by its owner. */
export interface FileShared extends EventBase {
  readonly type: 'no.nav.hops.fileshare.file.shared.v1';
  readonly data: FileFacts & {
    /** State of the file when this was published. */
    readonly verdict: Present;
    /** The principal, perhaps a group. */
    readonly sharedWith: string;
    readonly sharedAt: string;
    /** The end of the grant. */
    readonly until?: string;
    /** The end of the file. */
    readonly expiresAt?: string;
  };
}

/** A file is about to reach its end: about a day before. */
export interface FileExpiring extends EventBase {
  readonly type: 'no.nav.hops.fileshare.file.expiring.v1';
  readonly data: FileFacts & { readonly verdict: Present; readonly expiresAt: string };
}

/** A content that was handed out as clean is malware, or was released: every file with this SHA-256 is affected. */
export interface VerdictChanged extends EventBase {
  readonly type: 'no.nav.hops.fileshare.verdict.changed.v1';
  readonly data: {
    readonly sha256: string;
    readonly verdict: 'infected' | 'clean';
    readonly signature: string;
    readonly changedAt: string;
    /** Absent where an operator decided. */
    readonly engine?: EventEngine;
    /** Present where `clean`. */
    readonly released?: EventRelease;
  };
}

export type ScanEvent =
  | ScanCompleted
  | ScanFailed
  | FileDeleted
  | FileDownloaded
  | FileRecalled
  | FileReleased
  | FileShared
  | FileExpiring
  | VerdictChanged;
