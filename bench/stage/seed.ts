import { createHash, randomBytes } from 'node:crypto';
import { type BlobKey, blobName } from '../../shared/files/blob-name.ts';
import type { Metadata } from '../../shared/files/fields.ts';
import { type FileId, newFileId } from '../../shared/files/file-id.ts';
import { fileMetadata, verdictMetadata } from '../../shared/files/metadata.ts';
import {
  type Content,
  type DecidedRecord,
  type PendingRecord,
  parseSha256,
  type Sha256,
} from '../../shared/files/record.ts';
import { scanned } from '../../shared/files/record-fields.ts';
import { RECORDS_PREFIX, Records, VERDICTS_PREFIX } from '../../shared/files/records.ts';
import type { Generation } from '../../shared/storage/object.ts';
import { Tally } from '../../shared/storage/tally.ts';
import { send } from '../http.ts';
import { inFlight } from '../in-flight.ts';
import { MIB } from '../scale.ts';
import { OWNER, type Stage } from './stage.ts';

const SEEDS_IN_FLIGHT = 16;
const ENGINE = { engine: '1.4.6' };
const PIECE = createHash('shake256', { outputLength: MIB }).update('a file that was found clean').digest();

/** A clean file as a scan would leave it, without a scan. */
export async function seedCleanFile(stage: Stage, bytes: number): Promise<{ id: FileId; blob: BlobKey }> {
  const content = contentOf(bytes);
  const scannedAt = new Date();
  const metadata = { ...scanned.write({ scannedAt, engine: ENGINE }), usedAt: scannedAt.toISOString() };
  const permanent = stage.bucket('permanent');
  const blob = blobName(`sha256/${content.sha256}`);
  const type = { contentType: 'application/octet-stream', metadata };
  const staged = await permanent.stage(blob, pieces(bytes), type);
  await staged.commit();
  const record = cleanRecord(content, scannedAt);
  const records = new Records(permanent);
  await records.judge(await records.insert(pendingOf(record)), record);
  return { id: record.id, blob };
}

/** The record of a clean file of somebody, uploaded at `createdAt`. */
function cleanRecord(content: Content, createdAt: Date): DecidedRecord {
  return {
    id: newFileId(OWNER, createdAt),
    owner: OWNER,
    viewers: [],
    createdAt,
    contentType: 'application/octet-stream',
    fileName: 'report.pdf',
    state: 'clean',
    content,
    scan: { generation: '1' as Generation, scannedAt: createdAt, engine: ENGINE },
  };
}

/** The record as it was uploaded. */
function pendingOf({ id, owner, viewers, createdAt, contentType, content }: DecidedRecord): PendingRecord {
  return { id, owner, viewers, createdAt, contentType, state: 'pending', ...(content && { content }) };
}

function contentOf(bytes: number): Content {
  const tally = new Tally();
  for (const piece of slices(bytes)) tally.update(piece);
  const { size, sha256, crc32c } = tally.digests();
  const digest = parseSha256(sha256);
  if (!digest) throw new Error('a digest that is none');
  return { size, sha256: digest, crc32c };
}

async function* pieces(bytes: number): AsyncGenerator<Buffer> {
  yield* slices(bytes);
}

function* slices(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= PIECE.length) yield PIECE.subarray(0, left);
}

/**
 * Records of clean files of one owner, a second apart, straight to the emulator: the service would take an hour.
 * @returns their ids
 */
export async function seedRecords(stage: Stage, count: number): Promise<readonly FileId[]> {
  const content = contentOf(1_000);
  const now = Date.now();
  const records = Array.from({ length: count }, (_, at) => cleanRecord(content, new Date(now - at * 1000)));
  await inFlight(records, SEEDS_IN_FLIGHT, async (record) => {
    await seedObject(stage, RECORDS_PREFIX + record.id, fileMetadata(pendingOf(record)));
    await seedObject(stage, VERDICTS_PREFIX + record.id, verdictMetadata(record));
  });
  return records.map(({ id }) => id);
}

/**
 * Contents that signatures of an older version found clean, straight to the emulator.
 * @param database that version
 */
export async function seedContents(stage: Stage, count: number, database: number): Promise<void> {
  const scannedAt = new Date();
  const metadata = {
    ...scanned.write({ scannedAt, engine: { ...ENGINE, database } }),
    usedAt: scannedAt.toISOString(),
  };
  await inFlight([...Array(count).keys()], SEEDS_IN_FLIGHT, async () => {
    const bytes = randomBytes(1_000);
    const sha256 = createHash('sha256').update(bytes).digest('hex') as Sha256;
    await seedObject(stage, blobName(`sha256/${sha256}`), metadata, bytes);
  });
}

async function seedObject(
  stage: Stage,
  name: string,
  metadata: Metadata,
  bytes = Buffer.alloc(0),
): Promise<void> {
  const resource = { contentType: 'application/octet-stream', metadata };
  const body = Buffer.concat([
    Buffer.from(
      `--seed\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(resource)}\r\n` +
        '--seed\r\ncontent-type: application/octet-stream\r\n\r\n',
    ),
    bytes,
    Buffer.from('\r\n--seed--\r\n'),
  ]);
  const query = `uploadType=multipart&name=${encodeURIComponent(name)}`;
  await send(`${stage.storageUrl}/upload/storage/v1/b/permanent/o?${query}`, {
    method: 'POST',
    headers: { 'content-type': 'multipart/related; boundary=seed' },
    body,
  });
}
