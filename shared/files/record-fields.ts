import { parsePrincipal } from '../identity/principal.ts';
import { parseTraceparent } from '../runtime/trace.ts';
import type { EngineVersion } from '../scanning/engine.ts';
import { parseGeneration } from '../storage/object.ts';
import { parseCallbackUrl } from './callback-url.ts';
import { parseCorrelationId } from './correlation-id.ts';
import { count, field, flag, group, oneOf, optional, tagged, text, time } from './fields.ts';
import type {
  CleanScan,
  Content,
  Coverage,
  DeclaredDigests,
  DirectUpload,
  Lease,
  Recalled,
  Redriven,
  Released,
  ScanResult,
  Stored,
  TusUpload,
} from './record.ts';
import { parseSha256 } from './record.ts';
import { formatViewers, parseViewers } from './viewers.ts';

const sha256 = (key: string) => field(key, parseSha256);

export const CONTENT = group<Content>({
  sha256: sha256('sha256'),
  size: count('size'),
  crc32c: text('crc32c'),
});
export const CLAIMS = group<DeclaredDigests>({
  size: count('claimedSize'),
  sha256: optional(sha256('claimedSha256')),
});
export const LEASE = group<Lease>({ holder: text('leaseHolder'), until: time('leaseUntil') });
export const REDRIVEN = group<Redriven>({
  at: time('redrivenAt'),
  times: count('redrives'),
  tried: flag('redriveTried'),
});

const engineOf = (prefix: string) =>
  group<EngineVersion>({
    engine: text(`${prefix}Engine`),
    database: optional(count(`${prefix}Database`)),
    databaseDate: optional(text(`${prefix}DatabaseDate`)),
  });
export const CLEAN_ENGINE = engineOf('clean');
/** The engine of `StandingFinding.foundAgainBy`. */
export const FOUND_AGAIN_ENGINE = engineOf('foundAgain');
export const RECALLED = group<Recalled>({
  at: time('recalledAt'),
  announced: flag('recallAnnounced'),
  unscanned: flag('recalledUnscanned'),
  clean: optional(
    group<CleanScan>({
      scannedAt: time('cleanScannedAt'),
      engine: CLEAN_ENGINE,
      coverage: optional(oneOf<Coverage>('cleanCoverage', ['windows'])),
    }),
  ),
});

export const RELEASED = group<Released>({
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
export const SCAN = group<ScanResult>({
  generation: field('generation', parseGeneration),
  reusedAt: optional(time('reusedAt')),
  ...SCANNED,
});

export const UPLOAD = tagged<TusUpload | DirectUpload, 'kind'>('kind', 'upload', {
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
export const STORED = group<Omit<Stored, 'id'>>({
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
