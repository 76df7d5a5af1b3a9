import { type Content, type DeclaredDigests, parseSha256 } from '../../shared/files/record.ts';
import { EitherSignal } from '../../shared/runtime/abort.ts';
import type { BorrowedBytes } from '../../shared/runtime/memory.ts';
import type { Verdict } from '../../shared/scanning/verdict.ts';
import type { Bucket } from '../../shared/storage/bucket.ts';
import { StorageError } from '../../shared/storage/error.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { Tally } from '../../shared/storage/tally.ts';
import { coverageOf, type Decision, type ScanDeps, type Undecided } from './decision.ts';
import type { EarlyRead } from './early-reads.ts';
import type { Held } from './lease.ts';
import { StructureCheck, stricter } from './structure/structure.ts';
import { scanInWindows } from './windows.ts';

/** Facts about a file from before the scan. */
interface ScannedFile {
  /** The owner whose turn it takes. */
  readonly owner: string;
  readonly content?: Content;
  readonly claims?: DeclaredDigests;
}

/** Bytes to scan, and the file that they are. */
interface ScanSource {
  readonly bucket: Bucket;
  readonly object: StoredObject;
  readonly file: ScannedFile;
  readonly early?: EarlyRead | undefined;
}

/**
 * Steps 5 and 6: one pass over the pinned generation feeds the digests and ClamAV together. Changes nothing but that
 * `begun` is called before ClamAV gets the first byte.
 * @throws {StorageError}, {ScanFault} for whatever a repeat may fix
 */
export async function decideByScan(
  deps: ScanDeps,
  source: ScanSource,
  { signal, begun }: Pick<Held, 'signal' | 'begun'>,
): Promise<Decision | Undecided> {
  const { windows } = deps;
  const { file, object } = source;
  const inWindows = windows && coverageOf(deps, object.size) === 'windows';
  const inTime = inWindows ? [AbortSignal.timeout(windows.timeoutMs)] : [];
  const atOnce = Math.min(object.size, deps.maxScanBytes);
  const scanned = await deps.admission.run(file.owner, atOnce, async (spaceLow) => {
    using either = new EitherSignal(signal, spaceLow, ...inTime);
    return await scanBytes(deps, source, { signal: either.signal, begun });
  });
  return 'result' in scanned ? scanned.result : scanned;
}

/** Created once: Node would create an exception with a stack for each scan. */
const OVER = new Error('the scan is over');

async function scanBytes(
  deps: ScanDeps,
  { bucket, file, object, early }: ScanSource,
  { signal, begun }: Pick<Held, 'signal' | 'begun'>,
): Promise<Decision | Undecided> {
  // Before the scan: signatures reloaded meanwhile are newer than what the record then says, never older.
  const engine = await deps.engine.fit();
  const { generation, size } = object;
  const readFrom = deps.now();
  const tally = new Tally();
  // A scan that ends before its first byte would leave its connection open.
  using reading = new EitherSignal(signal);
  let verdict: Verdict;
  try {
    const range = { start: 0, end: size - 1 };
    const bytes = await (early?.takeBytes(size) ??
      bucket.read(object.name, { generation, range, signal: reading.signal }));
    if (!bytes) return 'sourceGone';
    const check = new StructureCheck();
    const scanned = await verdictOn(deps, tallied(bytes, tally, check, begun), size, signal);
    verdict = stricter(scanned, check);
  } finally {
    reading.abort(OVER);
  }
  const content = contentOf(tally, object);
  const inWindows = coverageOf(deps, size) === 'windows' && ({ coverage: 'windows' } as const);
  const scan = { generation, scannedAt: deps.now(), engine, ...inWindows };
  if (content && file.content && content.sha256 !== file.content.sha256)
    return { failure: 'contentMismatch' };
  // Malware is treated as such even if the client's digest does not match.
  const belied = content && file.claims?.sha256 && content.sha256 !== file.claims.sha256;
  if (belied && verdict.kind !== 'infected') return { failure: 'contentMismatch', refutedClaim: true };
  if (content) return { verdict, content, scan, promoted: false, readFrom, ...(belied && { belied: true }) };
  if (verdict.kind === 'unscannable' && tally.size < size) {
    return { verdict, content: file.content, scan, promoted: false, readFrom };
  }
  const message = 'the bytes that were scanned are not those that are stored';
  throw new StorageError('objects.getMedia', { status: 0, reason: 'checksumMismatch', message });
}

function verdictOn(
  { scanner, maxScanBytes, windows }: ScanDeps,
  bytes: AsyncIterable<BorrowedBytes>,
  size: number,
  signal: AbortSignal,
): Promise<Verdict> {
  if (!windows || size <= maxScanBytes) return scanner.scan(bytes, { size, signal });
  const cut = { size, windowBytes: maxScanBytes, overlapBytes: windows.overlapBytes };
  return scanInWindows(scanner, bytes, cut, signal);
}

async function* tallied(
  bytes: AsyncIterable<BorrowedBytes>,
  tally: Tally,
  check: StructureCheck,
  begun: () => Promise<void>,
): AsyncGenerator<BorrowedBytes> {
  for await (const piece of bytes) {
    if (tally.size === 0) await begun();
    tally.update(piece);
    await check.update(piece);
    yield piece;
  }
}

/** The digests, if they cover the whole generation. */
function contentOf(tally: Tally, object: StoredObject): Content | undefined {
  const { size, crc32c, sha256: hex } = tally.digests();
  const sha256 = parseSha256(hex);
  return sha256 && size === object.size && crc32c === object.crc32c ? { size, crc32c, sha256 } : undefined;
}
