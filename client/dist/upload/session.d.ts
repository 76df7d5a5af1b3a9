import type { ChunkReader } from '../source.ts';
import type { Job } from './options.ts';
/** An upload in several requests, at the service or at Cloud Storage. */
export interface Session {
    /** How many bytes are there. @throws {FileshareProblem} where it is over: 404 or 410 */
    offset(signal: AbortSignal | undefined): Promise<number>;
    /** Sends the bytes from `start` on. @returns how many bytes are there now */
    send(part: Part, signal: AbortSignal | undefined): Promise<number>;
}
export interface Part {
    readonly start: number;
    readonly bytes: Uint8Array<ArrayBuffer>;
    readonly last: boolean;
    readonly onSent: (bytes: number) => void;
}
/**
 * Brings a source there, from `from` on, whatever breaks meanwhile. What is there already is read again, and hashed.
 * @param reader what the source gives, from its first byte
 * @returns the digest of all of it
 * @throws {FileshareProblem}, {FileshareConnectionError}, {FileshareIntegrityError}
 */
export declare function transfer(job: Job, session: Session, reader: ChunkReader, from: number): Promise<Uint8Array>;
