import { digestField, runningSha256 } from '../sha256.js';
/**
 * `POST /files`: everything in one request. With its digest, the service refuses bytes that are not these; with its
 * key, an answer that got lost is asked for again without making a second file.
 * @throws {FileshareProblem}, {FileshareConnectionError}
 */
export function post(job, body) {
    const { http, name, type, signal, onProgress } = job;
    const hash = runningSha256();
    hash.update(body);
    const headers = {
        'content-type': type,
        'idempotency-key': job.idempotencyKey ?? randomKey(),
        'repr-digest': digestField(hash.digest()),
        ...(name !== undefined && { 'content-disposition': disposition(name) }),
    };
    const onSent = (sent) => onProgress({ sent, size: body.length, resumedFrom: 0 });
    return http.json('POST', '/files', { headers, body, signal, onSent });
}
/** As crypto.randomUUID, which a page has only when it came by https. */
function randomKey() {
    return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(36)).join('-');
}
/** RFC 6266 with the encoding of RFC 8187, which any name survives. */
function disposition(name) {
    const encoded = encodeURIComponent(name.toWellFormed()).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
    return `attachment; filename*=UTF-8''${encoded}`;
}
