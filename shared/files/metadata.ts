import { parsePrincipal } from '../identity/principal.ts';
import type { EngineVersion } from '../scanning/engine.ts';
import type { UnscannableReason } from '../scanning/verdict.ts';
import { parseGeneration } from '../storage/object.ts';
import { Fields, type Metadata, parseCount, parseTime } from './fields.ts';
import type { FileId } from './fileId.ts';
import {
  type Claims,
  type Content,
  type Coverage,
  type FailureReason,
  type FileRecord,
  type JudgedRecord,
  type Lease,
  type PendingRecord,
  parseSha256,
  type Redriven,
  type Scan,
  type UnjudgedRecord,
  type UploadingRecord,
} from './record.ts';
import { claimsOf } from './uploading.ts';
import { parseUpload, uploadFields } from './uploadMetadata.ts';

export { CorruptRecord, type Metadata, parseTime } from './fields.ts';

const REASONS: readonly UnscannableReason[] = [
  'tooLarge',
  'encrypted',
  'limitExceeded',
  'unsupported',
  'malformed',
];
const FAILURES: readonly FailureReason[] = ['sourceGone', 'contentMismatch', 'gaveUp'];

/** The metadata of `files/<id>`: who stored the file and who may see it, how it arrives, and that it is over. */
export function fileMetadata(record: FileRecord): Metadata {
  return present({
    ...sharedFields(record),
    ...arrivalFields(record),
    deletedAt: record.state === 'deleted' ? record.deletedAt.toISOString() : undefined,
    announced: record.state === 'deleted' && record.announced ? 'true' : undefined,
  });
}

/** The part of {@link fileMetadata} that is as it is whatever became of the file. */
export function sharedMetadata(record: FileRecord): Metadata {
  return present(sharedFields(record));
}

type Field = string | undefined;

function sharedFields(record: FileRecord): Record<string, Field> {
  return {
    owner: record.owner,
    viewers: record.viewers.join(' ') || undefined,
    createdAt: record.createdAt.toISOString(),
    contentType: record.contentType,
    fileName: record.fileName,
    referenced: record.referenced && 'true',
    unreferencedSince: record.unreferencedSince?.toISOString(),
  };
}

function arrivalFields(record: FileRecord): Record<string, Field> {
  const pending = record.state === 'pending' ? record : undefined;
  return {
    state: record.state,
    ...contentFields(record.content),
    ...claimFields(pending?.claims),
    ...(record.state === 'uploading' ? uploadFields(record.upload) : {}),
    tentative: pending?.tentative && 'true',
  };
}

/** The metadata of `verdicts/<id>`: what became of the file, or who is at work on it. */
export function verdictMetadata(record: JudgedRecord): Metadata {
  const { lease, redriven } = record.state === 'pending' ? record : {};
  return present({
    state: record.state,
    ...contentFields(record.content),
    ...claimFields('claims' in record ? record.claims : undefined),
    leaseHolder: lease?.holder,
    leaseUntil: lease?.until.toISOString(),
    redrives: redriven && String(redriven.times),
    redrivenAt: redriven?.at.toISOString(),
    redriveTried: redriven?.tried && 'true',
    ...('scan' in record ? scanFields(record.scan) : {}),
    signature: record.state === 'infected' ? record.signature : undefined,
    reason: record.state === 'unscannable' ? record.reason : undefined,
    detail: record.state === 'unscannable' ? record.detail : undefined,
    accepted: record.state === 'unscannable' ? String(record.accepted) : undefined,
    failure: record.state === 'failed' ? record.failure : undefined,
    failedAt: record.state === 'failed' ? record.failedAt.toISOString() : undefined,
    announced: record.state === 'failed' && record.announced ? 'true' : undefined,
  });
}

function claimFields(claims: Claims | undefined): Record<string, Field> {
  return { claimedSize: claims && String(claims.size), claimedSha256: claims?.sha256 };
}

/** Keys that have no value are absent. */
function present(fields: Record<string, Field>): Metadata {
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function contentFields(content: Content | undefined): Record<string, Field> {
  return { size: content && String(content.size), sha256: content?.sha256, crc32c: content?.crc32c };
}

function scanFields(scan: Scan): Record<string, string> {
  return {
    generation: scan.generation,
    scannedAt: scan.scannedAt.toISOString(),
    ...(scan.engine && engineFields(scan.engine)),
    ...(scan.coverage && { coverage: scan.coverage }),
  };
}

export function engineFields(engine: EngineVersion): Record<string, string> {
  return {
    engine: engine.engine,
    ...(engine.database !== undefined && { database: String(engine.database) }),
    ...(engine.databaseDate !== undefined && { databaseDate: engine.databaseDate }),
  };
}

/**
 * Reads a record back: what its file says, and what its verdict adds to it. A file that is expired or deleted stays so
 * whatever the verdict is.
 * @param verdict undefined where there is none yet
 * @throws {CorruptRecord} where somebody else wrote either: a record that cannot be read grants nothing
 */
export function fromMetadata(id: FileId, file: Metadata, verdict?: Metadata): FileRecord {
  const record = parseFile(new Fields(id, file));
  if (!verdict) return record;
  const field = new Fields(id, verdict);
  const content = parseContent(field) ?? record.content;
  if (record.state === 'expired' || record.state === 'deleted')
    return { ...record, ...(content && { content }) };
  return judged({ ...waiting(record), ...parseClaims(field) }, field, content);
}

function parseFile(field: Fields): UnjudgedRecord {
  const { metadata } = field;
  const content = parseContent(field);
  const { fileName } = metadata;
  const stored = {
    id: field.id,
    owner: field.parsed('owner', parsePrincipal),
    viewers:
      metadata['viewers']?.split(' ').map((text) => parsePrincipal(text) ?? field.corrupt('viewers')) ?? [],
    createdAt: field.parsed('createdAt', parseTime),
    contentType: field.text('contentType'),
    ...(fileName !== undefined && { fileName }),
    ...(metadata['referenced'] === 'true' && { referenced: true as const }),
    ...(metadata['unreferencedSince'] !== undefined && {
      unreferencedSince: field.parsed('unreferencedSince', parseTime),
    }),
  };
  const known = { ...stored, ...(content && { content }) };
  const { state } = metadata;
  switch (state) {
    case 'uploading':
      return { ...stored, state, upload: parseUpload(field) };
    case 'pending': {
      const tentative = metadata['tentative'] === 'true' && ({ tentative: true } as const);
      return { ...known, state, ...parseClaims(field), ...tentative };
    }
    case 'expired':
      return { ...known, state };
    case 'deleted':
      return {
        ...known,
        state,
        deletedAt: field.parsed('deletedAt', parseTime),
        ...(metadata['announced'] === 'true' && { announced: true }),
      };
    default:
      return field.corrupt('state');
  }
}

/** A verdict is only ever of a file whose bytes are all there. */
function waiting(record: UploadingRecord | PendingRecord): PendingRecord {
  if (record.state === 'pending') return record;
  const { upload, content: _, ...stored } = record;
  return { ...stored, state: 'pending', ...(upload.kind === 'direct' && { claims: claimsOf(upload) }) };
}

function judged(pending: PendingRecord, field: Fields, content: Content | undefined): JudgedRecord {
  const { metadata } = field;
  const { state: _, content: __, claims, tentative: ___, ...stored } = pending;
  const known = { ...stored, ...(content && { content }) };
  const { state, detail } = metadata;
  switch (state) {
    case 'pending':
      return { ...pending, ...(content && { content }), ...parseLease(field), ...parseRedriven(field) };
    case 'clean':
      return {
        ...stored,
        state,
        content: parseContent(field) ?? field.corrupt('sha256'),
        scan: parseScan(field),
      };
    case 'infected': {
      const signature = field.text('signature');
      return {
        ...stored,
        state,
        content: parseContent(field) ?? field.corrupt('sha256'),
        scan: parseScan(field),
        signature,
      };
    }
    case 'unscannable': {
      const reason = field.parsed('reason', (text) => REASONS.find((known) => known === text));
      const accepted = content !== undefined && metadata['accepted'] === 'true';
      const scan = parseScan(field);
      return { ...known, state, scan, reason, ...(detail !== undefined && { detail }), accepted };
    }
    case 'failed':
      return {
        ...known,
        state,
        ...(claims && { claims }),
        failure: field.parsed('failure', (text) => FAILURES.find((known) => known === text)),
        failedAt: field.parsed('failedAt', parseTime),
        ...(metadata['announced'] === 'true' && { announced: true }),
      };
    default:
      return field.corrupt('state');
  }
}

function parseContent(field: Fields): Content | undefined {
  if (field.metadata['sha256'] === undefined) return undefined;
  return {
    size: field.parsed('size', parseCount),
    sha256: field.parsed('sha256', parseSha256),
    crc32c: field.text('crc32c'),
  };
}

function parseClaims(field: Fields): { claims?: Claims } {
  const { claimedSize, claimedSha256 } = field.metadata;
  if (claimedSize === undefined) return {};
  const size = field.parsed('claimedSize', parseCount);
  return {
    claims: {
      size,
      ...(claimedSha256 !== undefined && { sha256: field.parsed('claimedSha256', parseSha256) }),
    },
  };
}

function parseLease(field: Fields): { lease?: Lease } {
  if (field.metadata['leaseHolder'] === undefined) return {};
  return { lease: { holder: field.text('leaseHolder'), until: field.parsed('leaseUntil', parseTime) } };
}

function parseRedriven(field: Fields): { redriven?: Redriven } {
  if (field.metadata['redrivenAt'] === undefined) return {};
  return {
    redriven: {
      times: field.parsed('redrives', parseCount),
      at: field.parsed('redrivenAt', parseTime),
      ...(field.metadata['redriveTried'] === 'true' && { tried: true }),
    },
  };
}

function parseScan(field: Fields): Scan {
  const engine = parseEngine(field.metadata);
  return {
    generation: field.parsed('generation', parseGeneration),
    scannedAt: field.parsed('scannedAt', parseTime),
    ...(engine && { engine }),
    ...(field.metadata['coverage'] !== undefined && { coverage: field.parsed('coverage', parseCoverage) }),
  };
}

export function parseCoverage(text: string): Coverage | undefined {
  return text === 'windows' ? text : undefined;
}

/** What {@link engineFields} wrote; undefined where it wrote nothing. */
export function parseEngine({ engine, database, databaseDate }: Metadata): EngineVersion | undefined {
  if (engine === undefined) return undefined;
  return {
    engine,
    ...(database !== undefined && { database: Number(database) }),
    ...(databaseDate !== undefined && { databaseDate }),
  };
}
