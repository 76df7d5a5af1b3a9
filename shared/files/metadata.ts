import type { Viewer } from '../identity/caller.ts';
import { parsePrincipal } from '../identity/principal.ts';
import { parseTraceparent } from '../runtime/trace.ts';
import type { EngineVersion } from '../scanning/engine.ts';
import type { UnscannableReason } from '../scanning/verdict.ts';
import { parseGeneration } from '../storage/object.ts';
import { parseCallbackUrl } from './callback-url.ts';
import { parseCorrelationId } from './correlation-id.ts';
import {
  type Field,
  field,
  group,
  type Metadata,
  optional,
  parseCount,
  parseTime,
  tagged,
} from './fields.ts';
import type { FileId } from './file-id.ts';
import type { DirectUpload, TusUpload } from './record.ts';
import {
  type Content,
  type Coverage,
  type DeclaredDigests,
  type FailureReason,
  type FileRecord,
  type JudgedRecord,
  type Lease,
  type PendingRecord,
  parseSha256,
  type Recalled,
  type Redriven,
  type Released,
  type ScanResult,
  type Stored,
  type UnjudgedRecord,
  type UploadingRecord,
} from './record.ts';
import { declaredDigestsOf } from './uploading.ts';

/** A record whose metadata does not parse. It is a fault for an operator to look at, and denies everything. */
export class CorruptRecord extends Error {
  override readonly name = 'CorruptRecord';
}

const text = (key: string) => field(key, (value) => value);
const time = (key: string) => field(key, parseTime, (at) => at.toISOString());
const count = (key: string) => field(key, parseCount);
const sha256 = (key: string) => field(key, parseSha256);

function oneOf<T extends string>(key: string, known: readonly T[]): Field<T, false> {
  return field(key, (text) => known.find((word) => word === text));
}

/** Any other text than `true` is as none. */
function flag(key: string): Field<true, true> {
  return {
    key,
    optional: true,
    write: () => ({ [key]: 'true' }),
    read: (from) => from[key] === 'true' || undefined,
  };
}

/** Viewers between spaces, each as `org:1`, or with the end of its grant in milliseconds: `org:1;1796083200000`. */
function parseViewers(text: string): readonly Viewer[] | undefined {
  const viewers = text.split(' ').map(parseViewer);
  return viewers.every((viewer) => viewer !== undefined) ? viewers : undefined;
}

/** The viewers that a record names, also where it is damaged: those that can be read. */
export function readableViewers({ viewers = '' }: Metadata): readonly Viewer[] {
  return viewers.split(' ').flatMap((text) => parseViewer(text) ?? []);
}

function parseViewer(text: string): Viewer | undefined {
  const [name, end, ...rest] = text.split(';');
  const principal = parsePrincipal(name);
  if (!principal || rest.length > 0) return undefined;
  if (end === undefined) return { principal };
  const until = new Date(parseCount(end) ?? Number.NaN);
  return Number.isNaN(until.getTime()) ? undefined : { principal, until };
}

function formatViewers(viewers: readonly Viewer[]): string | undefined {
  const texts = viewers.map(({ principal, until }) =>
    until === undefined ? principal : `${principal};${until.getTime()}`,
  );
  return texts.join(' ') || undefined;
}

const CONTENT = group<Content>({ sha256: sha256('sha256'), size: count('size'), crc32c: text('crc32c') });
const CLAIMS = group<DeclaredDigests>({
  size: count('claimedSize'),
  sha256: optional(sha256('claimedSha256')),
});
const LEASE = group<Lease>({ holder: text('leaseHolder'), until: time('leaseUntil') });
const REDRIVEN = group<Redriven>({
  at: time('redrivenAt'),
  times: count('redrives'),
  tried: flag('redriveTried'),
});

const RECALLED = group<Recalled>({ at: time('recalledAt'), announced: flag('recallAnnounced') });

const RELEASED = group<Released>({
  at: time('releasedAt'),
  by: text('releasedBy'),
  reason: text('releasedReason'),
  announced: flag('releaseAnnounced'),
});

const ENGINE = group<EngineVersion>({
  engine: text('engine'),
  database: optional(field('database', Number)),
  databaseDate: optional(text('databaseDate')),
});
const SCANNED = {
  scannedAt: time('scannedAt'),
  engine: optional(ENGINE),
  coverage: optional(oneOf<Coverage>('coverage', ['windows'])),
};
/** When and by what something was scanned, as verdicts, blobs and findings say it. */
export const scanned = group<Omit<ScanResult, 'generation' | 'reusedAt'>>(SCANNED);
const SCAN = group<ScanResult>({
  generation: field('generation', parseGeneration),
  reusedAt: optional(time('reusedAt')),
  ...SCANNED,
});

const UPLOAD = tagged<TusUpload | DirectUpload, 'kind'>('kind', 'upload', {
  tus: {
    expiresAt: time('expiresAt'),
    length: optional(count('length')),
    metadata: optional(text('uploadMetadata')),
    concat: optional(text('uploadConcat')),
    announced: optional(count('announcedLength')),
    sha256: optional(sha256('claimedSha256')),
  },
  direct: {
    expiresAt: time('expiresAt'),
    session: text('session'),
    length: count('length'),
    sha256: optional(sha256('claimedSha256')),
  },
});

/** The part of a record that is as it is whatever became of the file. */
const STORED = group<Omit<Stored, 'id'>>({
  owner: field('owner', parsePrincipal),
  viewers: field('viewers', parseViewers, formatViewers, []),
  createdAt: time('createdAt'),
  contentType: text('contentType'),
  fileName: optional(text('fileName')),
  callbackUrl: optional(field('callbackUrl', parseCallbackUrl)),
  correlationId: optional(field('correlationId', parseCorrelationId)),
  traceparent: optional(field('traceparent', parseTraceparent)),
  // An upload under way has `expiresAt` too.
  expiresAt: optional(time('fileExpiresAt')),
  expiringAnnounced: flag('expiringAnnounced'),
  referenced: flag('referenced'),
  unreferencedSince: optional(time('unreferencedSince')),
});

type Part<R, Elsewhere extends string = never> = R extends unknown
  ? Omit<R, keyof Stored | Elsewhere>
  : never;
type Uploading = Part<UploadingRecord, 'content'>;
type Waiting = Part<PendingRecord, 'lease' | 'redriven'>;
type Over = Part<Exclude<UnjudgedRecord, UploadingRecord | PendingRecord>>;

/** How a file arrives, and that it is over. */
const ARRIVAL = tagged<Uploading | Waiting | Over, 'state'>('state', 'state', {
  uploading: { upload: UPLOAD },
  pending: { content: optional(CONTENT), claims: optional(CLAIMS), tentative: flag('tentative') },
  expired: { content: optional(CONTENT) },
  deleted: { content: optional(CONTENT), deletedAt: time('deletedAt'), announced: flag('announced') },
});

/** The outcome of a file, or who is at work on it. */
const VERDICT = tagged<Part<JudgedRecord, 'tentative'>, 'state'>('state', 'state', {
  pending: {
    content: optional(CONTENT),
    claims: optional(CLAIMS),
    lease: optional(LEASE),
    redriven: optional(REDRIVEN),
  },
  clean: { content: CONTENT, scan: SCAN, released: optional(RELEASED) },
  infected: { content: CONTENT, signature: text('signature'), scan: SCAN, recalled: optional(RECALLED) },
  unscannable: {
    content: optional(CONTENT),
    reason: oneOf<UnscannableReason>('reason', [
      'tooLarge',
      'encrypted',
      'limitExceeded',
      'unsupported',
      'malformed',
    ]),
    detail: optional(text('detail')),
    accepted: field<boolean>('accepted', (text) => text === 'true', String, false),
    scan: SCAN,
  },
  failed: {
    content: optional(CONTENT),
    claims: optional(CLAIMS),
    failure: oneOf<FailureReason>('failure', ['sourceGone', 'contentMismatch', 'gaveUp']),
    failedAt: time('failedAt'),
    announced: flag('announced'),
  },
});

/** The metadata of `files/<id>`: who stored the file and who may see it, how it arrives, and that it is over. */
export function fileMetadata(record: UnjudgedRecord): Metadata {
  return { ...sharedMetadata(record), ...ARRIVAL.write(record) };
}

/** A tus upload as it was created: `files/<id>` keeps it, whatever the verdict, until the file is over. */
export function tusUploadOf(file: Metadata): TusUpload | undefined {
  const upload = UPLOAD.read(file, () => undefined);
  return upload?.kind === 'tus' ? upload : undefined;
}

/** The part of {@link fileMetadata} that is as it is whatever became of the file. */
export function sharedMetadata(record: FileRecord): Metadata {
  return STORED.write(record);
}

/** The metadata of `verdicts/<id>`: what became of the file, or who is at work on it. */
export function verdictMetadata(record: JudgedRecord): Metadata {
  return VERDICT.write(record);
}

/** A verdict is only ever of a file whose bytes are all there. */
function waiting(arrival: Uploading | Waiting): Waiting {
  if (arrival.state === 'pending') return arrival;
  const { upload } = arrival;
  return { state: 'pending', ...(upload.kind === 'direct' && { claims: declaredDigestsOf(upload) }) };
}

/**
 * Reads a record back: what its file says, and what its verdict adds to it. A file that is expired or deleted stays so
 * whatever the verdict is.
 * @param verdict undefined where there is none yet
 * @throws {CorruptRecord} where somebody else wrote either: a record that cannot be read grants nothing
 */
export function fromMetadata(id: FileId, file: Metadata, verdict?: Metadata): FileRecord {
  const corrupt = (key: string): never => {
    throw new CorruptRecord(`record ${id}: ${key} does not parse`);
  };
  const read = <T>(field: Field<T>, from: Metadata): T => field.read(from, corrupt) ?? corrupt(field.key);
  const stored = { id, ...read(STORED, file) };
  const arrival = read(ARRIVAL, file);
  if (!verdict) return { ...stored, ...arrival };
  if (arrival.state === 'expired' || arrival.state === 'deleted') {
    const content = CONTENT.read(verdict, corrupt);
    return { ...stored, ...arrival, ...(content && { content }) };
  }
  const judged = read(VERDICT, verdict);
  const { tentative, ...known } = waiting(arrival);
  switch (judged.state) {
    case 'pending':
      return { ...stored, ...known, ...(tentative && { tentative }), ...judged };
    case 'failed':
      return { ...stored, ...known, ...judged };
    case 'unscannable': {
      const content = judged.content ?? known.content;
      const isAccepted = judged.accepted && content !== undefined;
      return { ...stored, ...(content && { content }), ...judged, accepted: isAccepted };
    }
    default:
      return { ...stored, ...judged };
  }
}
