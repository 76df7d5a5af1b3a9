import { FileshareIntegrityError, FileshareProblem } from '../errors.js';
import { hex } from '../sha256.js';
import { ChunkReader } from '../source.js';
import { DirectSession, openDirect } from './direct.js';
import { post } from './post.js';
import { transfer } from './session.js';
import { parseSaved } from './store.js';
import { createTus, offersTus, TusSession } from './tus.js';
/** @throws {FileshareProblem}, {FileshareConnectionError}, {FileshareIntegrityError}, the reason of the signal */
export async function upload(job, sizes, via) {
    const { source } = job;
    const resumed = await resume(job);
    const reader = new ChunkReader(source.open());
    try {
        return await (resumed ? finish(job, resumed, reader) : uploadNew(job, reader, sizes, via));
    }
    finally {
        await reader.close();
    }
}
async function uploadNew(job, reader, sizes, via) {
    const { source } = job;
    const fitsInOne = source.size === undefined || source.size <= sizes.postUpTo;
    if (via === 'post' || (!via && fitsInOne)) {
        const limit = via === 'post' ? (source.size ?? sizes.postUpTo) : sizes.postUpTo;
        const chunk = await reader.read(limit);
        if (chunk.last)
            return post(job, chunk.bytes);
        if (via)
            throw new RangeError(`A stream of more than ${limit} bytes does not go in one request.`);
        return finish(job, await begin(job, sizes, 'tus'), new ChunkReader(rejoined(chunk, reader, job.chunkSize)));
    }
    return finish(job, await begin(job, sizes, via), reader);
}
/** What was read ahead, and then the rest. */
async function* rejoined(first, rest, size) {
    yield first.bytes;
    for (let last = first.last; !last;) {
        const chunk = await rest.read(size);
        yield chunk.bytes;
        last = chunk.last;
    }
}
/** Begins a session of its own. @throws {FileshareProblem} where the service offers none of the kind */
async function begin(job, { directFrom }, via) {
    const { http, source, signal } = job;
    const { size } = source;
    if (size !== undefined && (via === 'direct' || (!via && size >= directFrom))) {
        const direct = await openDirect(job);
        if (direct) {
            const { uploadUrl: url, handle } = direct;
            await save(job, { via: 'direct', id: handle.id, url, size });
            return { id: handle.id, session: new DirectSession(http, url, size), from: 0 };
        }
    }
    if (via === 'direct' || !(await offersTus(http, signal)))
        throw new RangeError(tooLarge(via ?? 'tus'));
    const url = await createTus(job);
    const id = url.slice(url.lastIndexOf('/') + 1);
    if (size !== undefined)
        await save(job, { via: 'tus', id, url, size });
    return { id, session: new TusSession(http, url, size), from: 0 };
}
function tooLarge(way) {
    return `The service does not offer what this file needs: uploads in several requests (${way}).`;
}
/** Goes on with an earlier upload of the same content, where there is one and the service still knows of it. */
async function resume(job) {
    const { http, source, store, signal } = job;
    const key = keyOf(job);
    if (!key || !store)
        return undefined;
    const saved = parseSaved(await store.get(key));
    if (!saved || saved.size !== source.size)
        return undefined;
    const session = saved.via === 'tus'
        ? new TusSession(http, saved.url, saved.size)
        : new DirectSession(http, saved.url, saved.size);
    try {
        return { id: saved.id, session, from: await session.offset(signal) };
    }
    catch (error) {
        if (!(error instanceof FileshareProblem) || error.status >= 500)
            throw error;
        await store.delete(key);
        return undefined;
    }
}
/** Sends what is missing, and makes sure that what the service has is what was read here. */
async function finish(job, { id, session, from }, reader) {
    const { http, source, store, signal, onProgress } = job;
    const digest = await transferred(job, session, reader, from);
    const key = keyOf(job);
    if (key)
        await store?.delete(key);
    const handle = await http.json('GET', `/files/${id}/status`, { signal });
    if (source.size !== undefined)
        onProgress({ sent: source.size, size: source.size, resumedFrom: from });
    if (handle.sha256 === undefined || handle.sha256 === hex(digest))
        return handle;
    await http.call('DELETE', `/files/${id}`, { signal, accept: [404, 405, 409, 410] });
    throw new FileshareIntegrityError(`The service has other bytes of ${id} than were read here; it was deleted.`);
}
/** All that is there already is no reason to send an empty rest. */
async function transferred(job, session, reader, from) {
    const complete = {
        offset: session.offset,
        send: async ({ start, bytes }) => start + bytes.length,
    };
    return transfer(job, from === job.source.size ? complete : session, reader, from);
}
async function save(job, upload) {
    const key = keyOf(job);
    if (key)
        await job.store?.set(key, JSON.stringify(upload));
}
function keyOf({ http, source, type, name }) {
    return source.fingerprint && [http.url('/'), source.fingerprint, type, name].join(' ');
}
