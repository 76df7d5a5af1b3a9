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
  type Lease,
  parseSha256,
  type Redriven,
  type Scan,
} from './record.ts';
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

/** A record as custom metadata; keys that have no value are absent. */
export function toMetadata(record: FileRecord): Metadata {
  const { content } = record;
  const { lease, redriven } = record.state === 'pending' ? record : {};
  const claims = record.state === 'pending' || record.state === 'failed' ? record.claims : undefined;
  const fields: Record<string, string | undefined> = {
    state: record.state,
    owner: record.owner,
    viewers: record.viewers.join(' ') || undefined,
    createdAt: record.createdAt.toISOString(),
    contentType: record.contentType,
    fileName: record.fileName,
    referenced: record.referenced && 'true',
    unreferencedSince: record.unreferencedSince?.toISOString(),
    size: content && String(content.size),
    sha256: content?.sha256,
    crc32c: content?.crc32c,
    claimedSize: claims && String(claims.size),
    claimedSha256: claims?.sha256,
    ...(record.state === 'uploading' ? uploadFields(record.upload) : {}),
    leaseHolder: lease?.holder,
    leaseUntil: lease?.until.toISOString(),
    redrives: redriven && String(redriven.times),
    redrivenAt: redriven?.at.toISOString(),
    redriveTried: redriven?.tried && 'true',
    tentative: record.state === 'pending' && record.tentative ? 'true' : undefined,
    ...('scan' in record ? scanFields(record.scan) : {}),
    signature: record.state === 'infected' ? record.signature : undefined,
    reason: record.state === 'unscannable' ? record.reason : undefined,
    detail: record.state === 'unscannable' ? record.detail : undefined,
    accepted: record.state === 'unscannable' ? String(record.accepted) : undefined,
    failure: record.state === 'failed' ? record.failure : undefined,
    failedAt: record.state === 'failed' ? record.failedAt.toISOString() : undefined,
    deletedAt: record.state === 'deleted' ? record.deletedAt.toISOString() : undefined,
    announced:
      (record.state === 'failed' || record.state === 'deleted') && record.announced ? 'true' : undefined,
  };
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
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
 * Reads a record back.
 * @throws {CorruptRecord} where somebody else wrote it: a record that cannot be read grants nothing
 */
export function fromMetadata(id: FileId, metadata: Metadata): FileRecord {
  const field = new Fields(id, metadata);
  const content = parseContent(field);
  const fileName = metadata['fileName'];
  const stored = {
    id,
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
  const state = metadata['state'];
  switch (state) {
    case 'uploading':
      return { ...stored, state, upload: parseUpload(field) };
    case 'pending':
      return {
        ...known,
        state,
        ...parseClaims(field),
        ...parseLease(field),
        ...parseRedriven(field),
        ...(metadata['tentative'] === 'true' && { tentative: true }),
      };
    case 'clean':
      return { ...stored, state, content: content ?? field.corrupt('sha256'), scan: parseScan(field) };
    case 'infected': {
      const signature = field.text('signature');
      return {
        ...stored,
        state,
        content: content ?? field.corrupt('sha256'),
        scan: parseScan(field),
        signature,
      };
    }
    case 'unscannable': {
      const reason = field.parsed('reason', (text) => REASONS.find((known) => known === text));
      const detail = metadata['detail'];
      const accepted = content !== undefined && metadata['accepted'] === 'true';
      const scan = parseScan(field);
      return { ...known, state, scan, reason, ...(detail !== undefined && { detail }), accepted };
    }
    case 'failed':
      return {
        ...known,
        state,
        ...parseClaims(field),
        failure: field.parsed('failure', (text) => FAILURES.find((known) => known === text)),
        failedAt: field.parsed('failedAt', parseTime),
        ...(metadata['announced'] === 'true' && { announced: true }),
      };
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
