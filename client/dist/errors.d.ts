/** A problem document (RFC 9457) of the service: it understood the request, and says no. */
export declare class FileshareProblem extends Error {
    readonly name = "FileshareProblem";
    /** Stable; what programs compare, such as `urn:hops-fileshare:problem:not-found`. */
    readonly type: string;
    readonly title: string;
    readonly status: number;
    /** What is wrong in this case, for people; may change. */
    readonly detail: string | undefined;
    /** What else the document says, such as `signature` or `maxBytes`. */
    readonly members: Readonly<Record<string, unknown>>;
    /** Seconds after which the service wants to be asked again. */
    readonly retryAfter: number | undefined;
    constructor(document: ProblemDocument, retryAfter?: number);
    /** The last part of `type`, such as `not-found`; undefined where the problem is none of the service's own. */
    get code(): string | undefined;
}
export interface ProblemDocument {
    readonly type: string;
    readonly title: string;
    readonly status: number;
    readonly detail?: string | undefined;
    readonly [member: string]: unknown;
}
/** The service could not be reached, or did not answer in time, as often as it was tried; see `cause`. */
export declare class FileshareConnectionError extends Error {
    readonly name = "FileshareConnectionError";
}
/** The bytes are not those they should be: truncated, or with another digest. They are not to be used. */
export declare class FileshareIntegrityError extends Error {
    readonly name = "FileshareIntegrityError";
}
/** What was waited for did not happen in time. It may happen later. */
export declare class FileshareTimeout extends Error {
    readonly name = "FileshareTimeout";
}
/** Whether a download was refused because malware was found; `members.signature` names it. */
export declare function isInfected(error: unknown): error is FileshareProblem;
/** Whether a download was refused because the file could not be scanned. */
export declare function isUnscannable(error: unknown): error is FileshareProblem;
/** Whether a download was refused because the scan has not ended. */
export declare function isNotScannedYet(error: unknown): error is FileshareProblem;
/** Whether there is no such file for the caller: it never was, or it is not theirs. */
export declare function isNotFound(error: unknown): error is FileshareProblem;
/** The problem that an answer tells of; whatever else answers in place of the service gets one of `about:blank`. */
export declare function problemOf(response: Response): Promise<FileshareProblem>;
