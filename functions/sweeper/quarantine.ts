import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as v from 'valibot';
import type { Publish } from '../../shared/events/cloud-event.ts';
import { parseFileId } from '../../shared/files/file-id.ts';
import { invalidRequest, Problem } from '../../shared/http/problems.ts';
import { sendHead, sendJson } from '../../shared/http/respond.ts';
import type { RequestContext } from '../../shared/http/service.ts';
import type { BorrowedBytes } from '../../shared/runtime/memory.ts';
import { shownEngine } from '../../shared/scanning/engine.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { pageOf } from '../../shared/storage/page.ts';
import { ChecksumTally } from '../../shared/storage/tally.ts';
import { MAX_ZIPPED_BYTES, protectedZip } from './protected-zip.ts';
import { quarantinedContents, quarantinedDigest } from './quarantined.ts';
import type { RestoreDeps } from './restore.ts';
import { type Call, parsed } from './routes.ts';

/** Entries of a page; each costs up to three reads of metadata. */
const LIMIT = 100;
/** A name is a file id, or `sha256/` and a digest. */
const NAME = /^[\w/]{1,80}$/;

/** The convention among those who exchange malware: it protects from accidents, not from people. */
const PASSWORD = 'infected';

export interface QuarantineDeps
  extends Pick<RestoreDeps, 'quarantine' | 'records' | 'findings' | 'now' | 'log'> {
  /** Publishes to the rescanner. */
  readonly request: Publish;
}

/**
 * One page of what is in quarantine, in the order of names: contents that were clean before are together. No byte is read.
 * @returns `next` to pass as `after`, absent at the end
 * @throws {Problem} for an `after` that is no name; {StorageError}
 */
export async function getQuarantine(
  deps: QuarantineDeps,
  { query, signal }: RequestContext,
): Promise<object> {
  const after = query.get('after') ?? undefined;
  if (after !== undefined && !NAME.test(after)) {
    throw invalidRequest('after should be the "next" of an earlier page.');
  }
  if (!deps.quarantine) return { items: [] };
  const request = { bucket: deps.quarantine, prefix: '', after, limit: LIMIT, signal };
  const { items, next } = await pageOf(request, (object) => object);
  return { items: await Promise.all(items.map((object) => describe(deps, object, signal))), next };
}

/** Bytes that nobody gets, and why; what is not known is absent. Times are RFC 3339, sizes bytes. */
async function describe(
  { records, findings }: QuarantineDeps,
  object: StoredObject,
  signal: AbortSignal,
): Promise<object> {
  const { name, size, metadata } = object;
  const id = parseFileId(name);
  const sha256 = quarantinedDigest(object) ?? (id && (await records.get(id, signal))?.record.content?.sha256);
  const known = sha256 ? await findings.look(sha256, signal) : undefined;
  const word = known && ('release' in known ? known.release : known.asked);
  const engine = known && 'finding' in known ? known.finding?.engine : undefined;
  const clean = known && 'clean' in known ? known.clean : undefined;
  return {
    name,
    size,
    // Signature of the scan that put it there, or why it could not be scanned.
    found: metadata['finding'],
    since: metadata['scannedAt'],
    sha256,
    finding: known && ('release' in known ? 'released' : known.asked ? 'awaitingSecond' : 'stands'),
    signature: known?.signature,
    engine: engine && shownEngine(engine),
    // The operator that has released it, or has asked for that, and the reason.
    word: word && { by: word.by, reason: word.reason, at: word.at, signature: word.signature },
    // The signatures that no longer find anything, and since when.
    cleanSince: clean && { ...shownEngine(clean.engine), at: clean.at },
  };
}

/** An object in quarantine, as it is listed. */
const QuarantinedName = v.strictObject({ name: v.pipe(v.string(), v.regex(NAME)) });

/**
 * Asks for a scan of one object by the signatures of today, if a scan is why it is there.
 * @throws {Problem} 404; {StorageError} and what `request` throws
 */
export async function postQuarantineRescan(
  { quarantine, findings, request, now, log }: QuarantineDeps,
  { response }: RequestContext,
  { body, by }: Call,
): Promise<undefined> {
  const { name } = parsed(QuarantinedName, body, '{"name": "as GET /quarantine lists it"}');
  const object = await quarantine?.stat(name);
  if (!quarantine || !object) throw new Problem('not-found');
  const message = await quarantinedContents(quarantine, findings).requestFor(object, now());
  const requested = typeof message === 'string' ? 0 : 1;
  if (typeof message !== 'string') await request(message);
  log.info({ object: name, by, requested }, 're-scan of quarantined content requested');
  sendJson(response, 202, 'application/json', { requested });
}

/**
 * Answers with the bytes of one object, in an archive under the password `infected`. Bytes that are not those of the object break the
 * connection.
 * @throws {Problem} 404 where there is no such object, 413 where it is too large for an archive; {StorageError}
 */
export async function getQuarantined(
  { quarantine, log }: QuarantineDeps,
  { query, response, signal, audit }: RequestContext,
  { by }: Call,
): Promise<undefined> {
  const name = query.get('name') ?? '';
  const object = NAME.test(name) ? await quarantine?.stat(name, signal) : undefined;
  if (!object) throw new Problem('not-found');
  if (object.size > MAX_ZIPPED_BYTES) {
    throw new Problem('too-large', {
      detail: 'It is larger than an archive holds. Copy it from the bucket.',
    });
  }
  const range = { start: 0, end: object.size - 1 };
  const bytes = await quarantine?.read(name, { generation: object.generation, range, signal });
  if (!bytes) throw new Problem('not-found');
  const file = name.replace('/', '-');
  log.warn({ object: name, by }, 'quarantined content handed out');
  sendHead(response, 200, {
    'content-type': 'application/zip',
    'content-disposition': `attachment; filename="${file}.zip"`,
  });
  audit.bytes = object.size;
  await pipeline(Readable.from(protectedZip(file, checked(bytes, object), PASSWORD)), response);
}

async function* checked(
  bytes: AsyncIterable<BorrowedBytes>,
  { name, size, crc32c }: StoredObject,
): AsyncGenerator<BorrowedBytes, void, undefined> {
  const tally = new ChecksumTally();
  for await (const piece of bytes) {
    tally.update(piece);
    yield piece;
  }
  const digests = tally.digests();
  if (digests.size !== size || digests.crc32c !== crc32c)
    throw new Error(`${name} was not read as it is stored`);
}
