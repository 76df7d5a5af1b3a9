import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as v from 'valibot';
import type { Publish } from '../../shared/events/cloud-event.ts';
import { parseFileId } from '../../shared/files/file-id.ts';
import type { Release } from '../../shared/files/finding.ts';
import { invalidRequest, Problem } from '../../shared/http/problems.ts';
import { sendHead, sendJson } from '../../shared/http/respond.ts';
import type { RequestContext } from '../../shared/http/service.ts';
import { type ShownEngine, shownEngine } from '../../shared/scanning/engine.ts';
import type { Bucket } from '../../shared/storage/bucket.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { pageOf } from '../../shared/storage/page.ts';
import { ChecksumTally } from '../../shared/storage/tally.ts';
import { MAX_ZIPPED_BYTES, protectedZip } from './protected-zip.ts';
import { quarantinedContents, quarantinedDigest } from './quarantined.ts';
import { type Call, parsed } from './routes.ts';
import type { SweeperDeps } from './sweeper.ts';

/** Entries of a page; each costs up to three reads of metadata. */
const LIMIT = 100;
/** A name is a file id, or `sha256/` and a digest. */
const NAME = /^[\w/]{1,80}$/;

/** The convention among those who exchange malware: it protects from accidents, not from people. */
const PASSWORD = 'infected';

export interface QuarantineDeps extends Pick<SweeperDeps, 'records' | 'findings' | 'now' | 'log'> {
  /** Absent: bytes of malware are not kept. */
  readonly quarantine: Bucket | undefined;
  /** Publishes to the rescanner. */
  readonly request: Publish;
}

/** Bytes that nobody gets, and why. Times are RFC 3339, sizes bytes. */
interface Quarantined {
  /** Name of the object: a file id, or `sha256/` and the digest of a content that was clean before. */
  readonly name: string;
  readonly size: number;
  /** Signature of the scan that put it there, or why it could not be scanned. */
  readonly found?: string;
  readonly since?: string;
  /** Absent where nobody knows it, as of what was not read to its end. */
  readonly sha256?: string;
  /** Absent where no finding is known for its digest. */
  readonly finding?: 'stands' | 'awaitingSecond' | 'released';
  readonly signature?: string;
  readonly engine?: ShownEngine;
  /** The operator that has released it, or has asked for that, and the reason. */
  readonly word?: {
    readonly by: string;
    readonly reason: string;
    readonly at: string;
    readonly signature?: string;
  };
  /** The signatures that no longer find anything, and since when. */
  readonly cleanSince?: ShownEngine & { readonly at: string };
}

/**
 * One page of what is in quarantine, in the order of names: contents that were clean before are together. No byte is read.
 * @returns `next` to pass as `after`, absent at the end
 * @throws {Problem} for an `after` that is no name; {StorageError}
 */
export async function getQuarantine(
  deps: QuarantineDeps,
  { query, signal }: RequestContext,
): Promise<{ readonly items: readonly Quarantined[]; readonly next?: string }> {
  const after = query.get('after') ?? undefined;
  if (after !== undefined && !NAME.test(after)) {
    throw invalidRequest('after should be the "next" of an earlier page.');
  }
  if (!deps.quarantine) return { items: [] };
  const request = { bucket: deps.quarantine, prefix: '', after, limit: LIMIT, signal };
  const { items, next } = await pageOf(request, (object) => object);
  const described = await Promise.all(items.map((object) => describe(deps, object, signal)));
  return { items: described, ...(next !== undefined && { next }) };
}

async function describe(
  { records, findings }: QuarantineDeps,
  object: StoredObject,
  signal: AbortSignal,
): Promise<Quarantined> {
  const { name, size, metadata } = object;
  const id = parseFileId(name);
  const sha256 = quarantinedDigest(object) ?? (id && (await records.get(id, signal))?.record.content?.sha256);
  const known = sha256 && (await findings.look(sha256, signal));
  const { finding: found, scannedAt: since } = metadata;
  const word = known && ('release' in known ? known.release : known.asked);
  const engine = known && 'finding' in known ? known.finding?.engine : undefined;
  const clean = known && 'clean' in known ? known.clean : undefined;
  return {
    name,
    size,
    ...(found !== undefined && { found }),
    ...(since !== undefined && { since }),
    ...(sha256 && { sha256 }),
    ...(known && { finding: 'release' in known ? 'released' : known.asked ? 'awaitingSecond' : 'stands' }),
    ...(known && { signature: known.signature }),
    ...(engine && { engine: shownEngine(engine) }),
    ...(word && { word: shown(word) }),
    ...(clean && { cleanSince: { ...shownEngine(clean.engine), at: clean.at.toISOString() } }),
  };
}

function shown({ by, reason, at, signature }: Release): NonNullable<Quarantined['word']> {
  return { by, reason, at: at.toISOString(), ...(signature !== undefined && { signature }) };
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
  log.info({ object: name, by, requested }, 're-scan of a quarantined content asked for');
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
  bytes: AsyncIterable<Uint8Array>,
  { name, size, crc32c }: StoredObject,
): AsyncGenerator<Uint8Array, void, undefined> {
  const tally = new ChecksumTally();
  for await (const piece of bytes) {
    tally.update(piece);
    yield piece;
  }
  const digests = tally.digests();
  if (digests.size !== size || digests.crc32c !== crc32c)
    throw new Error(`${name} was not read as it is stored`);
}
