import { encodeExtended } from 'content-disposition';
import { idIn } from '../addresses.ts';
import { problemOf } from '../errors.ts';
import type { Handle } from '../handle.ts';
import { jsonIn } from '../http.ts';
import { digestField, runningSha256 } from '../sha256.ts';
import type { Job } from './options.ts';

/**
 * `POST /files`: everything in one request. With its digest, the service refuses bytes that are not these; with its
 * key, an answer that got lost is asked for again without making a second file.
 * @throws {FileshareProblem}, {FileshareConnectionError}
 */
export async function post(job: Job, body: Uint8Array<ArrayBuffer>): Promise<Handle> {
  const { http, name, type, correlationId, callbackUrl, expiresAt, signal, onProgress } = job;
  const hash = runningSha256();
  hash.update(body);
  const headers = {
    'content-type': type,
    'idempotency-key': job.idempotencyKey ?? randomKey(),
    'repr-digest': digestField(hash.digest()),
    ...(name !== undefined && { 'content-disposition': disposition(name) }),
    ...(correlationId !== undefined && { 'correlation-id': correlationId }),
    ...(callbackUrl !== undefined && { 'callback-url': callbackUrl }),
    ...(expiresAt !== undefined && { 'expires-at': expiresAt }),
  };
  const onSent = (sent: number) => onProgress({ sent, size: body.length, resumedFrom: 0 });
  const call = { headers, body, signal, onSent, accept: [410], buffered: true };
  const response = await http.call('POST', '/files', call);
  const location = response.headers.get('location');
  if (response.ok) return jsonIn<Handle>(response, '/files');
  if (!location) throw await problemOf(response);
  // The scanner was quicker than the answer, which is of a file that is not handed out: still the file's handle.
  return http.json<Handle>('GET', `/files/${idIn(location)}/status`, { signal });
}

/** Same as crypto.randomUUID, which a page has only when it came by https. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(36)).join('-');
}

/** RFC 6266, in the encoding of RFC 8187 alone: any name survives it, and fits the header that the service reads. */
function disposition(name: string): string {
  return `attachment; filename*=${encodeExtended(name.toWellFormed())}`;
}
