import type { IncomingMessage } from 'node:http';
import { type FileId, joinedFileId } from '../../shared/files/file-id.ts';
import { fileMetadata } from '../../shared/files/metadata.ts';
import { fitsNewMetadata } from '../../shared/files/metadata-budget.ts';
import { claimPartials, finalOf, partialOf } from '../../shared/files/partial-uploads.ts';
import {
  assemble,
  type Chain,
  inBatches,
  isWhole,
  joined,
  objectOf,
  readChain,
  removeParts,
} from '../../shared/files/parts.ts';
import type { FileRecord, Sha256, TusUpload } from '../../shared/files/record.ts';
import { asPending, isTus, type TusRecord } from '../../shared/files/uploading.ts';
import { invalidRequest, Problem } from '../../shared/http/problems.ts';
import { sendHandle } from '../../shared/http/respond.ts';
import type { RequestContext } from '../../shared/http/service.ts';
import { type Caller, mayChange } from '../../shared/identity/caller.ts';
import { digestOf } from './append.ts';
import { firstBytes } from './first-bytes.ts';
import { claimedWhole } from './headers/digest-fields.ts';
import { SAMPLE_BYTES, sniffed } from './media/sniff.ts';
import { sizeOf } from './received.ts';
import { hasBody, isOver, recordOf } from './tus-body.ts';
import { requireRoom, validateDescribed } from './tus-create.ts';
import { completeHeaders, header } from './tus-headers.ts';
import { alive } from './tus-standing.ts';
import type { Tus } from './uploads.ts';
import { handleOf, type ValidUpload } from './validate-upload.ts';

const EXPIRED = 'A partial upload has expired.';

/** A partial upload that is all there. */
interface Whole {
  readonly record: TusRecord;
  readonly chain: Chain;
}

/**
 * Makes a file of partial uploads. Its id follows from theirs, so a repeat finds the file of the first request, however far that
 * came: the uploads are claimed, the record is written, the object is composed, and the uploads are removed. docs/adr/0015
 * @throws {Problem}, and nothing is stored; {StorageError}
 */
export async function createFinal(
  tus: Tus,
  context: RequestContext,
  caller: Caller,
  uploads: readonly FileId[],
): Promise<void> {
  const { response, log, audit } = context;
  requireNothingElse(context.request);
  const id = joinedFileId(caller.principal, uploads);
  const chains = await inBatches(uploads, (upload) => readChain(tus.unscanned, upload));
  const wholes = wholesOf(tus, caller, id, uploads, chains);
  const record = wholes ? await make(tus, context, caller, id, wholes) : await madeBefore(tus, caller, id);
  audit.fileId = id;
  alive(tus, { record });
  log.info({ fileId: id, owner: caller.principal, uploads: uploads.length }, 'file received');
  // Nobody waits for that: Cloud Storage takes one mutation of a name a second. The sweeper removes what stays.
  if (wholes) inBatches([id, ...uploads], (each) => removeParts(tus.unscanned, each)).catch(() => undefined);
  const size = sizeOf(record);
  const headers = size === undefined ? {} : completeHeaders(record, size);
  sendHandle(response, 201, handleOf(record, tus.terms), { location: `/uploads/${id}`, ...headers });
}

/** @throws {Problem}; the length is that of the partial uploads, and their bytes are there */
function requireNothingElse(request: IncomingMessage): void {
  const others = ['upload-length', 'upload-defer-length'].filter(
    (name) => header(request, name) !== undefined,
  );
  if (others.length === 0 && !hasBody(request)) return;
  throw invalidRequest('A final upload has neither a length nor a body.');
}

/**
 * The uploads where they can become the file of that id.
 * @returns undefined where one is not there: it may have become a part of that file before
 * @throws {Problem}
 */
function wholesOf(
  { now }: Tus,
  caller: Caller,
  file: FileId,
  uploads: readonly FileId[],
  chains: readonly Chain[],
): readonly Whole[] | undefined {
  const wholes: Whole[] = [];
  for (const [at, chain] of chains.entries()) {
    const id = uploads[at];
    const record = id && chain.partial && partialOf(id, chain.partial);
    if (!record || !mayChange(caller, record) || isOver(record, chain)) return undefined;
    wholes.push({ record, chain });
  }
  for (const { record, chain } of wholes) {
    if (chain.final && finalOf(chain.final) !== file) throw new Problem('partial-combined');
    if (now() >= record.upload.expiresAt) throw new Problem('file-expired', { detail: EXPIRED });
    if (!isWhole(record.upload, chain)) throw new Problem('partial-incomplete');
  }
  return wholes;
}

/** Uploads are removed once their object is there, the object once there is a verdict: so it is looked for in that order. */
async function madeBefore(tus: Tus, caller: Caller, id: FileId): Promise<FileRecord> {
  const object = await objectOf(tus.unscanned, id);
  const current = await tus.records.get(id);
  if (!current || !mayChange(caller, current.record)) throw new Problem('not-found');
  const record = object ? asPending(current.record, object) : current.record;
  if (isTus(record)) throw new Problem('not-found');
  return record;
}

async function make(
  tus: Tus,
  context: RequestContext,
  caller: Caller,
  id: FileId,
  wholes: readonly Whole[],
): Promise<FileRecord> {
  const chain = joined(wholes.map((whole) => whole.chain));
  const { request } = context;
  const sha256 = claimedWhole(header(request, 'repr-digest'));
  const known = digestOfOne(tus, wholes);
  if (sha256 && known && sha256 !== known) throw new Problem('digest-mismatch');
  const admitted = validateDescribed(tus, context, caller, chain.end);
  const record = recordOfFinal(tus, id, admitted, {
    length: chain.end,
    concat: header(request, 'upload-concat') ?? 'final',
    expiresAt: new Date(Math.min(...wholes.map(({ record: { upload } }) => upload.expiresAt.getTime()))),
    metadata: header(request, 'upload-metadata') || undefined,
    sha256,
  });
  await requireCandidBytes(tus, chain, record);
  const ids = wholes.map((whole) => whole.record.id);
  if (!(await claimPartials(tus.unscanned, ids, id))) throw new Problem('partial-combined');
  const inserted = await tus.records.insertIfAbsent(record);
  const begun = inserted ? record : await recordOf(tus, record);
  if (!isTus(begun)) return begun;
  const object = await assemble(tus.unscanned, id, chain, known);
  const now = await recordOf(tus, record);
  if (object) return asPending(now, object);
  if (isTus(now)) await giveUp(tus, id);
  return isTus(now) ? recordOf(tus, record) : now;
}

/** Upload-Concat is kept where there is room for it, which hundreds of addresses need too much of. */
function recordOfFinal(
  { now }: Tus,
  id: FileId,
  admitted: ValidUpload,
  upload: Omit<TusUpload, 'kind'>,
): TusRecord {
  const stored = { ...admitted, id, createdAt: now(), viewers: [], state: 'uploading' } as const;
  const record: TusRecord = { ...stored, upload: { kind: 'tus', ...upload } };
  if (fitsNewMetadata(fileMetadata(record))) return record;
  return requireRoom({ ...record, upload: { ...record.upload, concat: 'final' } });
}

/** A partial upload has no type, so its bytes were not held against one. */
async function requireCandidBytes(
  { unscanned, terms }: Tus,
  chain: Chain,
  { contentType }: TusRecord,
): Promise<void> {
  if (!terms.media.sniff) return;
  for await (const _ of sniffed(firstBytes(unscanned, chain, SAMPLE_BYTES), contentType, terms.media));
}

/** Digests of several uploads do not add up to one: that is left to the scanner. */
function digestOfOne(tus: Tus, wholes: readonly Whole[]): Sha256 | undefined {
  const filled = wholes.filter(({ chain }) => chain.end > 0);
  const [only = wholes[0]] = filled;
  return only && filled.length <= 1 ? digestOf(tus, only) : undefined;
}

/** A partial upload went away between the look at it and the object. Nobody was told of the file. */
async function giveUp({ records }: Tus, id: FileId): Promise<void> {
  const current = await records.get(id);
  if (!current || !isTus(current.record)) return;
  await records.replace(current, { ...current.record, state: 'expired' });
}
