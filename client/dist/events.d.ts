interface EventBase {
    /** The same for each delivery of the same event, and for no other: what repeats are known by. */
    readonly id: string;
    /** RFC 3339. */
    readonly time: string;
}
interface FileFacts {
    readonly fileId: string;
    readonly owner: string;
    /** Bytes. */
    readonly size?: number;
    /** Lower-case hexadecimal digits. */
    readonly sha256?: string;
    readonly createdAt: string;
}
export interface EventEngine {
    /** ClamAV's release. */
    readonly engine: string;
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
        readonly scannedAt: string;
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
/** A file was taken back, or nothing referred to it any more. */
export interface FileDeleted extends EventBase {
    readonly type: 'no.nav.hops.fileshare.file.deleted.v1';
    readonly data: FileFacts & {
        readonly verdict: 'deleted';
        readonly deletedAt: string;
    };
}
/** A content that was handed out as clean is malware: every file with this SHA-256 is affected. */
export interface VerdictChanged extends EventBase {
    readonly type: 'no.nav.hops.fileshare.verdict.changed.v1';
    readonly data: {
        readonly sha256: string;
        readonly verdict: 'infected';
        readonly signature: string;
        readonly changedAt: string;
        readonly engine?: EventEngine;
    };
}
export type ScanEvent = ScanCompleted | ScanFailed | FileDeleted | VerdictChanged;
/** What a subscriber got is no event of this service. */
export declare class InvalidScanEvent extends Error {
    readonly name = "InvalidScanEvent";
}
/**
 * The event in what a subscriber got: a message of @google-cloud/pubsub, an entry of `receivedMessages` or its
 * `message` from the REST API, or the parsed body of a push.
 * @returns undefined for a type that this version does not know: acknowledge it and go on
 * @throws {InvalidScanEvent} where it is no event of this service
 */
export declare function parseScanEvent(message: unknown): ScanEvent | undefined;
export {};
