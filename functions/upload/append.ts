import type { Hash } from 'node:crypto';
import { readPartial } from '../../shared/files/partial-uploads.ts';
import {
  type Chain,
  isWhole,
  lengthOf,
  objectOf,
  partName,
  readChain,
  withPart,
} from '../../shared/files/parts.ts';
import { parseSha256, type Sha256 } from '../../shared/files/record.ts';
import type { Records } from '../../shared/files/records.ts';
import { isPartial, isTus, type TusRecord } from '../../shared/files/uploading.ts';
import { Problem } from '../../shared/http/problems.ts';
import type { BorrowedBytes } from '../../shared/runtime/memory.ts';
import type { Bucket } from '../../shared/storage/bucket.ts';
import { StorageError } from '../../shared/storage/error.ts';
import { type Checksums, ChecksumTally, type RunningDigests } from '../../shared/storage/tally.ts';
import { BodySegments, SILENCE, type Silence } from './body-segments.ts';
import { type Checksum, ChecksumCheck } from './checksum.ts';
import type { GiveWay } from './give-way.ts';
import type { HeldDigests } from './held-digests.ts';
import type { UploadLimits } from './upload-headers.ts';

/** Milliseconds after which an upload is looked at again before a part is added to what was seen of it. */
const LATE_MS = 60_000;
/** The name of the part is taken; or others kept writing it for as long as it was tried. */
const TAKEN: ReadonlySet<number> = new Set([412, 429]);

export interface AppendDeps {
  readonly unscanned: Bucket;
  readonly records: Records;
  readonly digests: HeldDigests;
  /** Bytes: what a request has sent is acknowledged whenever it is so many, and lost with its process before. */
  readonly partBytes: number;
  readonly terms: Pick<UploadLimits, 'maxBytes'>;
  readonly now: () => Date;
  readonly silence?: Silence;
}

/** The state of a tus upload as this process knows it. */
export interface Progress {
  readonly record: TusRecord;
  readonly chain: Chain;
  readonly seenAt: Date;
  /** Whether the object of the file, which may be there already, was not looked for after the parts were listed. */
  readonly mayBeOver?: boolean;
}

export interface Chunk {
  readonly bytes: AsyncIterable<BorrowedBytes>;
  /** Size in bytes, if the framing tells. */
  readonly size?: number | undefined;
  /** If the bytes do not match it, none of them are kept. */
  readonly checksum?: Checksum | undefined;
  /** Ends the request when its successor arrives. */
  readonly way?: GiveWay;
}

/**
 * Adds the bytes of one request to an upload. They become parts, and a part counts from the moment that it is an
 * object, whose name is its offset: so of two requests at the same offset one wins, a request whose client is gone
 * can do no harm, and a crash loses what was not acknowledged. Of a body that is cut short, what arrived counts; of one that
 * falls silent too, at once. docs/adr/0015
 * @param added called with each part
 * @throws {Problem} what `chunk.bytes` throws, `upload-checksum`, `upload-too-long`, or `upload-offset` where the
 *   upload went on without this request, or is over; {StorageError}
 */
export async function append(
  deps: AppendDeps,
  progress: Progress,
  { bytes, size, checksum, way }: Chunk,
  added: (progress: Progress) => void = () => undefined,
): Promise<Progress> {
  const { upload } = progress.record;
  const { chain } = progress;
  const atMost = (lengthOf(upload, chain) ?? deps.terms.maxBytes) - chain.end;
  const { silence = SILENCE } = deps;
  const intake = new BodySegments(bytes, { atMost, keepsCut: checksum === undefined, silence, way });
  let current = await appendPart(deps, progress, intake, { size, checksum });
  added(current);
  while (!intake.over) {
    current = await appendPart(deps, current, intake, {});
    added(current);
  }
  // If cut off after its last byte, it is complete anyway.
  if (intake.cut && !isWhole(upload, current.chain)) throw intake.cut;
  return current;
}

async function appendPart(
  deps: AppendDeps,
  progress: Progress,
  intake: BodySegments,
  { size, checksum }: Pick<Chunk, 'size' | 'checksum'>,
): Promise<Progress> {
  const { record, chain } = progress;
  const sha256 = deps.digests.resume(record.id, chain);
  const check = checksum && new ChecksumCheck(checksum);
  // A part that has to be checked as a whole is one, however long it is.
  const taken = intake.take(check ? Number.POSITIVE_INFINITY : deps.partBytes);
  const options = { contentType: 'application/octet-stream', size };
  const isCurrent = staying(deps, progress);
  try {
    const name = partName(record.id, chain.end);
    const staged = await deps.unscanned.stageTallied(name, taken, options, watching(sha256, check));
    const isIntact = check?.holds() ?? true;
    const isAllowed = isIntact && (await isCurrent());
    if (!isAllowed || staged.size === 0) await staged.discard();
    if (!isAllowed) throw new Problem(isIntact ? 'upload-offset' : 'upload-checksum');
    if (staged.size === 0) return progress;
    const seenAt = deps.now();
    const object = await staged.commit();
    const longer = withPart(chain, object);
    if (sha256) deps.digests.hold(record.id, longer, sha256);
    return { record, chain: longer, seenAt };
  } catch (error) {
    const isTaken = error instanceof StorageError && TAKEN.has(error.status);
    throw isTaken ? new Problem('upload-offset', { cause: error }) : error;
  }
}

/**
 * Looks while the bytes are sent whether the upload goes on. The answer is whether a part may be added to what was seen of
 * it. The name of the part decides that too, but no longer once the parts of a complete file are removed: so what was seen
 * long ago is looked at again.
 */
function staying(
  { unscanned, records, now }: AppendDeps,
  { record, chain, seenAt, mayBeOver = false }: Progress,
): () => Promise<boolean> {
  const { id } = record;
  const goesOn = async (looksForObject: boolean) => {
    if (looksForObject && (await objectOf(unscanned, id))) return false;
    const current = isPartial(record) ? await readPartial(unscanned, id) : (await records.get(id))?.record;
    return current !== undefined && isTus(current);
  };
  const early = goesOn(mayBeOver && !isPartial(record));
  // Reported when the part is added; without this, it would be an unhandled rejection until then.
  early.catch(() => undefined);
  return async () => {
    if (now().getTime() - seenAt.getTime() <= LATE_MS) return early;
    const { end } = await readChain(unscanned, id);
    return end === chain.end && goesOn(!isPartial(record));
  };
}

/**
 * The SHA-256 of all received bytes; undefined if not all of them passed through this process: the scanner then
 * computes it.
 */
export function digestOf(
  { digests }: AppendDeps,
  { record, chain }: Pick<Progress, 'record' | 'chain'>,
): Sha256 | undefined {
  return parseSha256(digests.resume(record.id, chain)?.digest('hex') ?? '');
}

/** The checksums of a part, whose bytes others see too. */
function watching(sha256: Hash | undefined, check: ChecksumCheck | undefined): RunningDigests<Checksums> {
  const part = new ChecksumTally();
  return {
    get size() {
      return part.size;
    },
    update: (bytes) => {
      part.update(bytes);
      sha256?.update(bytes);
      check?.update(bytes);
    },
    digests: () => part.digests(),
  };
}
