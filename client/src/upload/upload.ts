import { FileshareIntegrityError, FileshareProblem } from '../errors.ts';
import type { Handle } from '../handle.ts';
import type { Http } from '../http.ts';
import { hex } from '../sha256.ts';
import { type Chunk, ChunkReader } from '../source.ts';
import { DirectSession, openDirect } from './direct.ts';
import type { Job, Way } from './options.ts';
import { beginParts, type Divisible, divisible, sendParts } from './parallel.ts';
import { post } from './post.ts';
import { type Session, transfer } from './session.ts';
import { parseSaved, type SavedUpload } from './store.ts';
import { createTus, offersTus, TusSession } from './tus.ts';

/** Bytes up to which, and from which on, another way is taken. */
export interface Sizes {
  readonly postUpTo: number;
  readonly directFrom: number;
  readonly parallelFrom: number;
  /** Parts of a tus upload that are sent at once. */
  readonly parallel: number;
}

interface Begun {
  readonly id: string;
  readonly session: Session;
  /** Bytes that are there already. */
  readonly from: number;
}

/** Parts of one file. */
interface BegunParts {
  readonly source: Divisible;
  readonly paths: readonly string[];
}

/** @throws {FileshareProblem}, {FileshareConnectionError}, {FileshareIntegrityError}, the reason of the signal */
export async function upload(job: Job, sizes: Sizes, via: Way | undefined): Promise<Handle> {
  const { source } = job;
  const parts = await resumeParts(job);
  const handle = parts && (await finishParts(job, parts).catch(unlessOver));
  if (handle) return handle;
  const resumed = await resume(job);
  const reader = new ChunkReader(source.open());
  try {
    return await (resumed ? finish(job, resumed, reader) : uploadNew(job, reader, sizes, via));
  } finally {
    await reader.close();
  }
}

async function uploadNew(job: Job, reader: ChunkReader, sizes: Sizes, via: Way | undefined): Promise<Handle> {
  const { source } = job;
  const fitsInOne = source.size === undefined || source.size <= sizes.postUpTo;
  if (via === 'post' || (!via && fitsInOne)) {
    const limit = via === 'post' ? (source.size ?? sizes.postUpTo) : sizes.postUpTo;
    // Of a small file, 8 MiB would take longer to clear than its bytes take to read.
    const chunk = await reader.read(limit, source.size ?? 0);
    if (chunk.last) return post(job, chunk.bytes);
    if (via) throw new RangeError(`A stream of more than ${limit} bytes does not go in one request.`);
    return finish(
      job,
      await beginStream(job, sizes),
      new ChunkReader(rejoined(chunk, reader, job.chunkSize)),
    );
  }
  const begun = await begin(job, sizes, via);
  return 'paths' in begun ? finishParts(job, begun) : finish(job, begun, reader);
}

/** The bytes that were read ahead, then the rest. */
async function* rejoined(first: Chunk, rest: ChunkReader, size: number): AsyncGenerator<Uint8Array> {
  yield first.bytes;
  for (let last = first.last; !last; ) {
    const chunk = await rest.read(size);
    yield chunk.bytes;
    last = chunk.last;
  }
}

/** Begins one for a stream, whose parts cannot be read apart. */
async function beginStream(job: Job, sizes: Sizes): Promise<Begun> {
  const begun = await begin(job, { ...sizes, parallel: 1 }, 'tus');
  if ('paths' in begun) throw new TypeError('a stream has no parts');
  return begun;
}

/** Begins a separate session. @throws {FileshareProblem} where the service offers none of the kind */
async function begin(job: Job, sizes: Sizes, via: Way | undefined): Promise<Begun | BegunParts> {
  const { directFrom, parallelFrom, parallel } = sizes;
  const { http, signal } = job;
  const { size } = job.source;
  if (size !== undefined && (via === 'direct' || (!via && size >= directFrom))) {
    const direct = await openDirect(job);
    if (direct) {
      const { uploadUrl: url, handle } = direct;
      await save(job, { via: 'direct', id: handle.id, url, size });
      return { id: handle.id, session: new DirectSession(http, url, size), from: 0 };
    }
  }
  if (via === 'direct' || !(await offersTus(http, signal))) throw new RangeError(tooLarge(via ?? 'tus'));
  const source = divisible(job);
  if (
    source &&
    parallel > 1 &&
    source.size >= parallelFrom &&
    (await offersTus(http, signal, 'concatenation'))
  ) {
    const paths = await beginParts(job, source, parallel);
    await save(job, { via: 'parallel', id: '', url: paths.join(' '), size: source.size });
    return { source, paths };
  }
  const id = await createTus(job);
  const url = `/uploads/${id}`;
  if (size !== undefined) await save(job, { via: 'tus', id, url, size });
  return { id, session: new TusSession(http, url, size), from: 0 };
}

function tooLarge(way: Way): string {
  return `The service does not offer what this file needs: uploads in several requests (${way}).`;
}

/**
 * Answers of the service, and of Cloud Storage for its sessions, for an upload that is gone or is not this caller's.
 */
const OVER = new Set([404, 410, 499]);

/** Only owners are told by how many a file is seen. */
async function isOwn({ http, signal }: Job, id: string): Promise<boolean> {
  const { viewerCount } = await http.json<Handle>('GET', `/files/${id}/status`, { signal });
  return viewerCount !== undefined;
}

/** Continues an earlier upload of the same content, where there is one and the service still knows of it. */
async function resume(job: Job): Promise<Begun | undefined> {
  const { http, source, store, signal } = job;
  const key = keyOf(job);
  if (!key || !store) return undefined;
  const saved = parseSaved(await store.get(key));
  if (!saved || saved.via === 'parallel' || saved.size !== source.size) return undefined;
  const session =
    saved.via === 'tus'
      ? new TusSession(http, saved.url, saved.size)
      : new DirectSession(http, saved.url, saved.size);
  try {
    // A direct session takes bytes from anybody, and the store may remember what another caller began.
    if (saved.via === 'direct' && !(await isOwn(job, saved.id))) return undefined;
    return { id: saved.id, session, from: await session.offset(signal) };
  } catch (error) {
    if (!(error instanceof FileshareProblem) || !OVER.has(error.status)) throw error;
    await store.delete(key);
    return undefined;
  }
}

/** The parts of an earlier upload of the same content, where the store knows of it. */
async function resumeParts(job: Job): Promise<BegunParts | undefined> {
  const key = keyOf(job);
  const source = divisible(job);
  if (!key || !job.store || !source) return undefined;
  const saved = parseSaved(await job.store.get(key));
  if (saved?.via !== 'parallel' || saved.size !== source.size) return undefined;
  return { source, paths: saved.url.split(' ') };
}

function unlessOver(error: unknown): undefined {
  if (!(error instanceof FileshareProblem) || !OVER.has(error.status)) throw error;
}

/** Sends what is missing of all parts, and makes them a file. @throws {FileshareProblem} of a status in OVER: begin anew */
async function finishParts(job: Job, { source, paths }: BegunParts): Promise<Handle> {
  const { http, store, signal } = job;
  const key = keyOf(job);
  try {
    const { id, digest } = await sendParts(job, source, paths);
    if (key) await store?.delete(key);
    const handle = await http.json<Handle>('GET', `/files/${id}/status`, { signal });
    return await checked(job, handle, digest);
  } catch (error) {
    const isOver = error instanceof FileshareProblem && OVER.has(error.status);
    if (key && isOver) await store?.delete(key);
    throw error;
  }
}

/** Sends what is missing, and makes sure that what the service has is what was read here. */
async function finish(job: Job, { id, session, from }: Begun, reader: ChunkReader): Promise<Handle> {
  const { http, source, store, signal, onProgress } = job;
  const digest = await transferred(job, session, reader, from);
  const key = keyOf(job);
  if (key) await store?.delete(key);
  const handle = await http.json<Handle>('GET', `/files/${id}/status`, { signal });
  if (source.size !== undefined) onProgress({ sent: source.size, size: source.size, resumedFrom: from });
  return checked(job, handle, digest, session.sha256);
}

interface Digests {
  readonly id: string;
  /** Hex, as the service found it. */
  readonly stored: string;
  readonly expected: string;
}

/** @param told digest that an answer has told; a handle has it once there is a verdict @throws {FileshareIntegrityError} */
async function checked(
  { http, signal, unconfirmed }: Job,
  handle: Handle,
  digest: Uint8Array,
  told?: string,
): Promise<Handle> {
  const { id, sha256: stored = told } = handle;
  if (stored === undefined) unconfirmed.set(id, hex(digest));
  else await requireDigest(http, { id, stored, expected: hex(digest), signal });
  return handle;
}

/** Deletes a file that has other bytes than were read here. @throws {FileshareIntegrityError} */
export async function requireDigest(
  http: Http,
  { id, stored, expected, signal }: Digests & { readonly signal: AbortSignal | undefined },
): Promise<void> {
  if (stored === expected) return;
  await http.call('DELETE', `/files/${id}`, { signal, accept: [404, 405, 409, 410] });
  throw new FileshareIntegrityError(
    `The service has other bytes of ${id} than were read here; it was deleted.`,
  );
}

/** All that is there already is no reason to send an empty rest. */
async function transferred(
  job: Job,
  session: Session,
  reader: ChunkReader,
  from: number,
): Promise<Uint8Array> {
  const complete: Session = {
    offset: session.offset,
    send: async ({ start, bytes }) => start + bytes.length,
  };
  return transfer(job, from === job.source.size ? complete : session, reader, from);
}

async function save(job: Job, upload: SavedUpload): Promise<void> {
  const key = keyOf(job);
  if (key) await job.store?.set(key, JSON.stringify(upload));
}

function keyOf({ http, source, type, name, correlationId, callbackUrl }: Job): string | undefined {
  const described = [type, name, ...(correlationId === undefined ? [] : [correlationId])];
  // No correlation id has a line break.
  if (callbackUrl !== undefined) described.push(`\n${callbackUrl}`);
  return source.fingerprint && [`${http.options.hosts.upload}/`, source.fingerprint, ...described].join(' ');
}
