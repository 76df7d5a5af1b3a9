import type { Blob, CondemnedBlob } from '../../shared/files/blob.ts';
import type { Blobs, BlobUse } from '../../shared/files/blobs.ts';
import type { Findings, StandingFinding } from '../../shared/files/findings.ts';
import {
  type Content,
  type Coverage,
  type FailureReason,
  type PendingRecord,
  parseSha256,
  type Scan,
} from '../../shared/files/record.ts';
import { EitherSignal } from '../../shared/runtime/abort.ts';
import type { Admission, Refused } from '../../shared/scanning/admission.ts';
import type { Scanner } from '../../shared/scanning/clamd.ts';
import type { EngineGate } from '../../shared/scanning/engine-gate.ts';
import { StructureCheck, stricter } from '../../shared/scanning/structure.ts';
import type { Verdict } from '../../shared/scanning/verdict.ts';
import { scanInWindows } from '../../shared/scanning/windows.ts';
import type { Bucket } from '../../shared/storage/bucket.ts';
import { StorageError } from '../../shared/storage/error.ts';
import type { Generation, StoredObject } from '../../shared/storage/object.ts';
import { Tally } from '../../shared/storage/tally.ts';
import type { EarlyRead } from './early-reads.ts';
import type { Held } from './lease.ts';

export interface Decider {
  readonly unscanned: Bucket;
  readonly blobs: Blobs;
  readonly findings: Findings;
  readonly scanner: Scanner;
  readonly engine: Pick<EngineGate, 'fit'>;
  readonly admission: Admission;
  /** Bytes; what is done with a larger file is for `windows` to say. */
  readonly maxScanBytes: number;
  /** Absent: a larger file is unscannable without being read. */
  readonly windows?: WindowPolicy | undefined;
  /** Milliseconds for which an earlier scan of the same content answers for it. */
  readonly verdictMaxAgeMs: number;
  readonly now: () => Date;
}

/** Files that are too large to be scanned whole are scanned in windows of `maxScanBytes`. */
interface WindowPolicy {
  /** Bytes; a still larger file is unscannable without being read. */
  readonly maxBytes: number;
  /** Bytes; whatever is at most so long lies within one window. */
  readonly overlapBytes: number;
  /** Milliseconds for all windows of a file together. */
  readonly timeoutMs: number;
}

export interface Decision {
  readonly verdict: Verdict;
  /** Absent where not all bytes were seen. */
  readonly content: Content | undefined;
  readonly scan: Scan;
  /** The blob is there already, found clean by a scan that still answers for it. */
  readonly promoted: boolean;
  /** What says that the content is malware, where that was known before. */
  readonly finding?: StandingFinding;
  /** When the bytes began to be read and scanned; absent where none were. */
  readonly readFrom?: Date;
}

export type Undecided = { readonly failure: FailureReason } | Refused | 'sourceGone';

/** What is known of a content before its bytes are read. */
export interface Known {
  readonly blob: Blob | CondemnedBlob | undefined;
  readonly finding: StandingFinding | undefined;
}

export async function known(
  ...looks: readonly [Promise<Known['blob']>, Promise<Known['finding']>]
): Promise<Known> {
  const [blob, finding] = await Promise.all(looks);
  return { blob, finding };
}

/**
 * Step 4: what can be said about these bytes without scanning them. Changes nothing anywhere, but that a
 * blob which is to be relied on is said to be in use.
 * @returns undefined where they must be scanned
 */
export async function decideUnread(
  decider: Decider,
  record: PendingRecord,
  object: StoredObject,
  early: EarlyRead | undefined,
  signal: AbortSignal,
): Promise<Decision | Undecided | undefined> {
  const { content, claims } = record;
  if (claims && claims.size !== object.size) return { failure: 'contentMismatch' };
  if (content && (content.size !== object.size || content.crc32c !== object.crc32c)) {
    return { failure: 'contentMismatch' };
  }
  const earlier = content && (await earlierScan(decider, { ...record, content }, object, early, signal));
  if (earlier) return earlier;
  if (coverageOf(decider, object.size)) return undefined;
  const scan = { generation: object.generation, scannedAt: decider.now() };
  return { verdict: { kind: 'unscannable', reason: 'tooLarge' }, content, scan, promoted: false };
}

/** Who loses a race for a blob this often scans the bytes. */
const MAX_RACES = 5;

/** Only a digest that we computed ourselves gets here: one that a client claims would let it name any content. */
async function earlierScan(
  decider: Decider,
  file: BlobUse,
  object: StoredObject,
  early: EarlyRead | undefined,
  signal: AbortSignal,
): Promise<Decision | undefined> {
  const { content } = file;
  const { generation } = object;
  for (let races = 0; races < MAX_RACES; races++) {
    const { blob, finding } = await (early?.takeKnown(content.sha256) ??
      known(decider.blobs.findShared(file, signal), decider.findings.get(content.sha256, signal)));
    const malware = finding ?? (blob && 'signature' in blob ? blob : undefined);
    if (malware) {
      return { ...foundBefore(malware, generation, decider.now()), content, promoted: false };
    }
    if (!blob || 'signature' in blob) return undefined;
    const same = blob.object.size === content.size && blob.object.crc32c === content.crc32c;
    const age = decider.now().getTime() - blob.scannedAt.getTime();
    if (!same || age > decider.verdictMaxAgeMs) return undefined;
    // Windows answer only for what would be scanned in windows now.
    if (blob.coverage && blob.coverage !== coverageOf(decider, content.size)) return undefined;
    const { scannedAt, engine, coverage } = blob;
    const scan = { generation, scannedAt, engine, ...(coverage && { coverage }) };
    if (await decider.blobs.use(blob)) {
      return { verdict: { kind: 'clean' }, content, scan, promoted: true };
    }
  }
  return undefined;
}

/** The verdict of the scan that found it; of an operator who wrote it by hand, no engine was asked. */
export function foundBefore(
  known: StandingFinding | CondemnedBlob,
  generation: Generation,
  now: Date,
): Pick<Decision, 'verdict' | 'scan' | 'finding'> {
  const { signature } = known;
  const scan = 'finding' in known ? known.finding : undefined;
  return {
    verdict: { kind: 'infected', signature },
    scan: { generation, scannedAt: scan?.scannedAt ?? now, ...(scan && { engine: scan.engine }) },
    ...('announced' in known && { finding: known }),
  };
}

/**
 * Steps 5 and 6: one pass over the pinned generation feeds the digests and ClamAV together. Changes nothing but that
 * `begun` is called before ClamAV gets the first byte.
 * @throws {StorageError}, {ScanFault} for whatever a repeat may mend
 */
export async function decideByScan(
  decider: Decider,
  record: PendingRecord,
  object: StoredObject,
  early: EarlyRead | undefined,
  { signal, begun }: Pick<Held, 'signal' | 'begun'>,
): Promise<Decision | Undecided> {
  const { windows } = decider;
  const inWindows = windows && coverageOf(decider, object.size) === 'windows';
  const inTime = inWindows ? [AbortSignal.timeout(windows.timeoutMs)] : [];
  const atOnce = Math.min(object.size, decider.maxScanBytes);
  const scanned = await decider.admission.run(record.owner, atOnce, async (spaceLow) => {
    using either = new EitherSignal(signal, spaceLow, ...inTime);
    return await scanBytes(decider, record, object, early, { signal: either.signal, begun });
  });
  return 'result' in scanned ? scanned.result : scanned;
}

/** Made once: Node would make an exception with a stack for each scan. */
const OVER = new Error('the scan is over');

async function scanBytes(
  decider: Decider,
  record: PendingRecord,
  object: StoredObject,
  early: EarlyRead | undefined,
  { signal, begun }: Pick<Held, 'signal' | 'begun'>,
): Promise<Decision | Undecided> {
  // Before the scan: signatures reloaded meanwhile are newer than what the record then says, never older.
  const engine = await decider.engine.fit();
  const { generation, size } = object;
  const readFrom = decider.now();
  const tally = new Tally();
  // A scan that ends before its first byte leaves the connection that was opened for it.
  using reading = new EitherSignal(signal);
  let verdict: Verdict;
  try {
    const range = { start: 0, end: size - 1 };
    const bytes = await (early?.takeBytes(size) ??
      decider.unscanned.read(object.name, { generation, range, signal: reading.signal }));
    if (!bytes) return 'sourceGone';
    const check = new StructureCheck();
    const scanned = await verdictOn(decider, tallied(bytes, tally, check, begun), size, signal);
    verdict = stricter(scanned, check);
  } finally {
    reading.abort(OVER);
  }
  const content = contentOf(tally, object);
  const inWindows = coverageOf(decider, size) === 'windows' && ({ coverage: 'windows' } as const);
  const scan = { generation, scannedAt: decider.now(), engine, ...inWindows };
  if (content && record.content && content.sha256 !== record.content.sha256)
    return { failure: 'contentMismatch' };
  // What a client claims of malware does not make it any less.
  const belied = content && record.claims?.sha256 && content.sha256 !== record.claims.sha256;
  if (belied && verdict.kind !== 'infected') return { failure: 'contentMismatch' };
  if (content) return { verdict, content, scan, promoted: false, readFrom };
  if (verdict.kind === 'unscannable' && tally.size < size) {
    return { verdict, content: record.content, scan, promoted: false, readFrom };
  }
  const message = 'the bytes that were scanned are not those that are stored';
  throw new StorageError('objects.getMedia', { status: 0, reason: 'checksumMismatch', message });
}

/** How a file of this size is scanned; undefined where it is not. */
function coverageOf({ maxScanBytes, windows }: Decider, size: number): 'whole' | Coverage | undefined {
  if (size <= maxScanBytes) return 'whole';
  return windows && size <= windows.maxBytes ? 'windows' : undefined;
}

function verdictOn(
  { scanner, maxScanBytes, windows }: Decider,
  bytes: AsyncIterable<Uint8Array>,
  size: number,
  signal: AbortSignal,
): Promise<Verdict> {
  if (!windows || size <= maxScanBytes) return scanner.scan(bytes, { size, signal });
  const cut = { size, windowBytes: maxScanBytes, overlapBytes: windows.overlapBytes };
  return scanInWindows(scanner, bytes, cut, signal);
}

async function* tallied(
  bytes: AsyncIterable<Uint8Array>,
  tally: Tally,
  check: StructureCheck,
  begun: () => Promise<void>,
): AsyncGenerator<Uint8Array> {
  for await (const piece of bytes) {
    if (tally.size === 0) await begun();
    tally.update(piece);
    await check.update(piece);
    yield piece;
  }
}

/** The digests, where they are those of the whole generation. */
function contentOf(tally: Tally, object: StoredObject): Content | undefined {
  const { size, crc32c, sha256: hex } = tally.digests();
  const sha256 = parseSha256(hex);
  return sha256 && size === object.size && crc32c === object.crc32c ? { size, crc32c, sha256 } : undefined;
}
