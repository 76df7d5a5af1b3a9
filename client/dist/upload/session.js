import { sleep } from '../backoff.js';
import { FileshareIntegrityError, FileshareProblem } from '../errors.js';
import { isPassing, pauseMs } from '../http.js';
import { runningSha256 } from '../sha256.js';
/**
 * Brings a source there, from `from` on, whatever breaks meanwhile. What is there already is read again, and hashed.
 * @param reader what the source gives, from its first byte
 * @returns the digest of all of it
 * @throws {FileshareProblem}, {FileshareConnectionError}, {FileshareIntegrityError}
 */
export async function transfer(job, session, reader, from) {
    const hash = runningSha256();
    if (from > 0)
        job.onProgress({ sent: from, size: job.source.size, resumedFrom: from });
    await skip(reader, hash, from, job);
    let start = from;
    for (let last = false; !last;) {
        const chunk = await reader.read(job.chunkSize);
        job.signal?.throwIfAborted();
        hash.update(chunk.bytes);
        await sendChunk(job, session, { chunk, start, from });
        start += chunk.bytes.length;
        last = chunk.last;
    }
    return hash.digest();
}
/** Reads over what is there already. */
async function skip(reader, hash, bytes, job) {
    for (let left = bytes; left > 0;) {
        job.signal?.throwIfAborted();
        const chunk = await reader.read(Math.min(left, job.chunkSize));
        if (chunk.bytes.length === 0)
            throw new FileshareIntegrityError('The file is shorter than what was sent of it.');
        hash.update(chunk.bytes);
        left -= chunk.bytes.length;
    }
}
/** One chunk, in as many requests as it takes. An attempt that brought something does not count as failed. */
async function sendChunk(job, session, { chunk, start, from }) {
    const end = start + chunk.bytes.length;
    const report = (sent) => job.onProgress({ sent, size: job.source.size, resumedFrom: from });
    let at = start;
    for (let attempt = 0;;) {
        try {
            const bytes = chunk.bytes.subarray(at - start);
            const part = { start: at, bytes, last: chunk.last, onSent: (sent) => report(at + sent) };
            at = within(await session.send(part, job.signal), start, end);
            attempt = 0;
        }
        catch (error) {
            job.signal?.throwIfAborted();
            if (!(isPassing(error) || isElsewhere(error)) || attempt >= job.http.options.retries)
                throw error;
            await sleep(pauseMs(error, attempt), job.signal);
            const before = at;
            at = within(await session.offset(job.signal), start, end);
            attempt = at > before ? 0 : attempt + 1;
        }
        report(at);
        if (at === end)
            return;
    }
}
/** The upload stands elsewhere than we thought: an answer got lost, or a parallel request was quicker. */
function isElsewhere(error) {
    return (error instanceof FileshareProblem && (error.code === 'upload-offset' || error.code === 'upload-complete'));
}
function within(offset, start, end) {
    if (offset >= start && offset <= end)
        return offset;
    throw new FileshareIntegrityError(`The upload stands at ${offset}, which is not between ${start} and ${end}.`);
}
