import type { Handle } from '../handle.ts';
import type { Job } from './options.ts';
/**
 * `POST /files`: everything in one request. With its digest, the service refuses bytes that are not these; with its
 * key, an answer that got lost is asked for again without making a second file.
 * @throws {FileshareProblem}, {FileshareConnectionError}
 */
export declare function post(job: Job, body: Uint8Array<ArrayBuffer>): Promise<Handle>;
