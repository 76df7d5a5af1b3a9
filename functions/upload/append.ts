import type { FileId } from '../../shared/files/fileId.ts';
import { type Folded, fold, newPart, partName, removeParts } from '../../shared/files/parts.ts';
import { type PendingRecord, parseSha256 } from '../../shared/files/record.ts';
import type { Records, Versioned } from '../../shared/files/records.ts';
import { isTus, type TusRecord, type TusUpload } from '../../shared/files/uploading.ts';
import { Problem } from '../../shared/http/problems.ts';
import type { Bucket } from '../../shared/storage/bucket.ts';
import type { RunningTallies, RunningTally } from '../../shared/storage/runningTally.ts';
import { type Checksums, ChecksumTally, type RunningDigests } from '../../shared/storage/tally.ts';
import { type Checksum, ChecksumCheck } from './checksum.ts';
import { Intake } from './intake.ts';
import type { Terms } from './offer.ts';

/** Who loses a compare-and-swap this often is not racing with a change of viewers. */
const MAX_RACES = 5;

export interface Appender {
  readonly unscanned: Bucket;
  readonly records: Records;
  readonly tallies: RunningTallies;
  /** Bytes: what a request has sent is acknowledged whenever it is so many, and lost with its process before. */
  readonly partBytes: number;
  readonly terms: Pick<Terms, 'maxBytes'>;
}

export interface Chunk {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Bytes, where the framing tells. */
  readonly size?: number | undefined;
  /** All of the bytes have it, or none of them counts. */
  readonly checksum?: Checksum | undefined;
}

/**
 * Adds the bytes of one request to an upload. They become parts, objects that nobody else writes, and count from
 * the moment that the record names them, which it does by compare-and-swap together with the offset and the
 * digests: so of two requests at the same offset one wins, a request whose client is gone can do no harm, and a
 * crash loses what was not acknowledged. Of a body that is cut short, what arrived counts.
 * docs/adr/0015
 * @param read whose length may have been declared just now, and not be written yet
 * @returns the record as it was written last: pending where the file is complete, and then to be assembled
 * @throws {Problem} what `chunk.bytes` throws, `upload-offset`, `upload-checksum` or `upload-too-long`;
 *   {StorageError}
 */
export async function append(
  appender: Appender,
  read: Versioned<TusRecord>,
  { bytes, size, checksum }: Chunk,
): Promise<Versioned<TusRecord | PendingRecord>> {
  const { length = appender.terms.maxBytes, offset } = read.record.upload;
  const intake = new Intake(bytes, { atMost: length - offset, keepsCut: checksum === undefined });
  let current = await appendPart(appender, read, intake, { size, checksum });
  while (!intake.over && isTus(current.record)) {
    current = await appendPart(appender, { ...current, record: current.record }, intake, {});
  }
  // Cut behind its last byte, it is complete all the same.
  if (intake.cut && isTus(current.record)) throw intake.cut;
  return current;
}

async function appendPart(
  appender: Appender,
  read: Versioned<TusRecord>,
  intake: Intake,
  { size, checksum }: Pick<Chunk, 'size' | 'checksum'>,
): Promise<Versioned<TusRecord | PendingRecord>> {
  const { id, upload } = read.record;
  const sofar = () => reread(appender.unscanned, id, upload.parts);
  const tally = await appender.tallies.resume(upload.running, upload.offset, sofar);
  const check = checksum && new ChecksumCheck(checksum);
  const part = newPart(upload.offset);
  // A part that has to be checked as a whole is one, however long it is.
  const taken = intake.take(check ? Number.POSITIVE_INFINITY : appender.partBytes);
  const options = { contentType: 'application/octet-stream', size };
  const digests = watching(tally, check);
  const staged = await appender.unscanned.stageTallied(partName(id, part), taken, options, digests);
  if (check && !check.holds()) {
    await staged.discard();
    throw new Problem('upload-checksum');
  }
  tally.add(staged);
  // A file without a byte has a part without one: every file is assembled of something.
  const needed = staged.size > 0 || upload.length === 0;
  if (needed) await staged.commit();
  return write(appender, read, tally, needed ? part : undefined);
}

/** The bytes that parts have, up to the first that is gone. @throws {StorageError} */
async function* reread(
  unscanned: Bucket,
  id: FileId,
  parts: readonly string[],
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const part of parts) {
    const name = partName(id, part);
    const object = await unscanned.stat(name);
    const range = { start: 0, end: (object?.size ?? 0) - 1 };
    const bytes = object && (await unscanned.read(name, { generation: object.generation, range }));
    if (!bytes) return;
    yield* bytes;
  }
}

/** The checksums of a part, whose bytes others see too. */
function watching(tally: RunningTally, check: ChecksumCheck | undefined): RunningDigests<Checksums> {
  const part = new ChecksumTally();
  return {
    get size() {
      return part.size;
    },
    update: (bytes) => {
      part.update(bytes);
      tally.update(bytes);
      check?.update(bytes);
    },
    digests: () => part.digests(),
  };
}

async function write(
  { unscanned, records }: Appender,
  read: Versioned<TusRecord>,
  tally: RunningTally,
  part: string | undefined,
): Promise<Versioned<TusRecord | PendingRecord>> {
  const { id, upload } = read.record;
  const folded = part ? await fold(unscanned, id, upload.parts) : { parts: upload.parts };
  const parts = [...(folded?.parts ?? []), ...(part ? [part] : [])];
  const change = advance(upload, tally, parts);
  let latest: Versioned<TusRecord> | undefined = folded && read;
  let named: readonly string[] = [];
  for (let races = 0; latest && races < MAX_RACES; races++) {
    const written = await records.replace(latest, change(latest.record));
    if (written) {
      if (folded?.made) await removeReplaced(unscanned, id, upload.parts, folded);
      return written;
    }
    const now = underWay(await records.get(id));
    named = (now && partsOf(now.record)) ?? [];
    // It was written after all: the answer was lost, and the record was changed again before the next try.
    const isWritten =
      part === undefined
        ? now?.record.state === 'pending' && named.join() === parts.join()
        : named.includes(part);
    if (now && isWritten && sizeOf(now.record) === tally.size) return now;
    latest = isWritten ? undefined : unmoved(now, read.record);
  }
  await removeParts(
    unscanned,
    id,
    (name) => (name === part || name === folded?.made) && !named.includes(name),
  );
  throw new Problem('upload-offset', { detail: 'Another request added to the upload meanwhile.' });
}

type UnderWay = TusRecord | PendingRecord;

function underWay(read: Versioned | undefined): Versioned<UnderWay> | undefined {
  if (!read) return undefined;
  const { record, object } = read;
  return isTus(record) || record.state === 'pending' ? { record, object } : undefined;
}

function partsOf(record: UnderWay): readonly string[] | undefined {
  return isTus(record) ? record.upload.parts : record.parts;
}

function sizeOf(record: UnderWay): number | undefined {
  return isTus(record) ? record.upload.offset : (record.content ?? record.claims)?.size;
}

/** The record as it is now, where what changed was not the upload: who may see the file, say. Parts have names of their own. */
function unmoved(now: Versioned | undefined, { upload }: TusRecord): Versioned<TusRecord> | undefined {
  if (!now || !isTus(now.record)) return undefined;
  const { length = upload.length, parts } = now.record.upload;
  if (length !== upload.length || parts.join() !== upload.parts.join()) return undefined;
  return { record: { ...now.record, upload }, object: now.object };
}

/** What the record becomes. The tally is saved or ended by that, and only once: the record may have to be written again. */
function advance(
  upload: TusUpload,
  tally: RunningTally,
  parts: readonly string[],
): (record: TusRecord) => TusRecord | PendingRecord {
  const { size } = tally;
  if (size !== upload.length) {
    const advanced = { ...upload, offset: size, parts, running: tally.save() };
    return (record) => ({ ...record, upload: advanced });
  }
  const digests = tally.digests();
  const sha256 = digests && parseSha256(digests.sha256);
  const known = sha256 ? { content: { size, sha256, crc32c: digests.crc32c } } : { claims: { size } };
  return ({ upload: _, content: __, ...stored }) => ({ ...stored, state: 'pending', parts, ...known });
}

/** Best effort: the sweeper finds what stays. */
async function removeReplaced(
  unscanned: Bucket,
  id: FileId,
  before: readonly string[],
  { parts }: Folded,
): Promise<void> {
  const replaced = new Set(before.filter((part) => !parts.includes(part)));
  await removeParts(unscanned, id, (part) => replaced.has(part)).catch(() => undefined);
}
