import { randomUUID } from 'node:crypto';
import { usedAt } from '../../shared/files/blob.ts';
import { type BlobKey, blobKeys, blobName, type Contents } from '../../shared/files/blob-name.ts';
import { CANDIDATES_PREFIX, type CandidateMetadata, candidateKey } from '../../shared/files/candidates.ts';
import { deleteUnlessHeld, isKept } from '../../shared/storage/delete-unless-held.ts';
import {
  type Generation,
  type Metageneration,
  parseGeneration,
  type StoredObject,
} from '../../shared/storage/object.ts';
import type { CollectorDeps } from './collector.ts';
import { type Counts, countOutcomes } from './count-outcomes.ts';
import { visitSideBySide } from './side-by-side.ts';
import { walk } from './walk.ts';

const DAY_MS = 86_400_000;
/** Retention periods can be shortened, so nothing is deferred for longer than this. */
const LONGEST_WAIT_MS = 30 * DAY_MS;

interface Version {
  readonly generation: Generation;
  readonly metageneration: Metageneration;
}

/** Fields of a candidate that are kept in memory: a cycle has tens of thousands. */
type Candidate = Version & Pick<StoredObject, 'name' | 'updated'>;

/** A candidate that a cycle has claimed, and the version of its blob that it may delete. */
interface GcClaim {
  readonly candidate: Candidate;
  readonly blob: Version;
}

export type ClaimOutcome =
  | 'claimed'
  /** Its blob was used recently, or cannot be deleted yet. */
  | 'waiting'
  /** There is no blob. */
  | 'dropped'
  /** Decided before; still kept by a retention policy or a hold. */
  | 'kept'
  | 'conflict';

export type GarbageOutcome =
  | 'deleted'
  /** It is in use again, or newer signatures have found malware in it. */
  | 'changed'
  | 'kept';

/**
 * One garbage collection of blobs: claims candidates, then reads every record. A candidate that no record uses is
 * garbage. docs/adr/0009-collection.md has the proof; its uses of this code are documented
 * where they are needed.
 */
export class Cycle {
  readonly id: string;
  readonly claims = new Map<BlobKey, GcClaim>();
  readonly #collector: CollectorDeps;
  #failure: unknown;

  private constructor(deps: CollectorDeps, id: string) {
    this.#collector = deps;
    this.id = id;
  }

  /**
   * Claims candidates. Must be complete before the first record is read.
   * @throws {StorageError} also where one claim is in doubt: a claim that takes effect later, once records have been
   *   asked without it, must be of a cycle that nobody continues
   */
  static async begin(deps: CollectorDeps, stop: () => boolean, counts: Counts<ClaimOutcome>): Promise<Cycle> {
    const cycle = new Cycle(deps, randomUUID());
    let failure: unknown;
    const claim = (object: StoredObject) =>
      cycle.#claim(object).catch((error: unknown) => {
        failure = error;
        throw error;
      });
    await walk({
      bucket: deps.permanent,
      prefix: CANDIDATES_PREFIX,
      stop: () => failure !== undefined || cycle.claims.size >= deps.candidatesPerCycle || stop(),
      visit: countOutcomes(deps.log, counts, claim),
    });
    if (failure !== undefined) throw failure;
    return cycle;
  }

  /** Resumes a cycle with the candidates that it has claimed and that no record uses so far. @throws {StorageError} */
  static async resume(deps: CollectorDeps, id: string): Promise<Cycle> {
    const cycle = new Cycle(deps, id);
    await walk({
      bucket: deps.permanent,
      prefix: CANDIDATES_PREFIX,
      stop: () => false,
      visit: async (candidate) => {
        const claim = claimOf(candidate, id);
        if (claim) cycle.claims.set(candidateKey(candidate), claim);
      },
    });
    return cycle;
  }

  /** Why the blobs of a record could not be marked as live; the result of the records so far is then void. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Marks a content as live. @throws {StorageError} */
  async markLive(contents: Contents): Promise<void> {
    for (const key of blobKeys(contents)) {
      const claim = this.claims.get(key);
      if (!claim) continue;
      this.claims.delete(key);
      try {
        await this.#strikeOut(claim.candidate);
      } catch (error) {
        this.#failure = error;
        throw error;
      }
    }
  }

  /**
   * Deletes the remaining candidates once every record has been read. One that cannot be deleted now is left to a later
   * cycle.
   */
  async deleteGarbage(stop: () => boolean, counts: Counts<GarbageOutcome>): Promise<void> {
    const candidates = Array.from(this.claims.values(), ({ candidate }) => candidate);
    const visit = countOutcomes(this.#collector.log, counts, (candidate: Candidate) =>
      this.#deleteBlob(candidate),
    );
    await visitSideBySide(candidates, visit, stop);
  }

  async #deleteBlob(candidate: Candidate): Promise<GarbageOutcome> {
    const key = candidateKey(candidate);
    const claim = this.claims.get(key);
    if (!claim) return 'changed';
    const outcome = await deleteUnlessHeld(this.#collector.permanent, { name: blobName(key), ...claim.blob });
    if (outcome === 'deleted') await this.#drop(candidate);
    this.claims.delete(key);
    if (outcome === 'deleted') this.#collector.log.info({ blob: key }, 'blob collected');
    return outcome;
  }

  async #claim(candidate: StoredObject): Promise<ClaimOutcome> {
    const { permanent, now, blobGraceMs } = this.#collector;
    const { done, notBefore } = candidate.metadata as CandidateMetadata;
    if (done !== undefined) {
      if (isKept(candidate, now())) return 'kept';
      return (await deleteUnlessHeld(permanent, candidate)) === 'kept' ? 'kept' : 'dropped';
    }
    if (notBefore !== undefined && new Date(notBefore) > now()) return 'waiting';
    const key = candidateKey(candidate);
    const blob = await permanent.stat(blobName(key));
    if (!blob) return this.#dropUnlessBack(candidate, key);
    if (isKept(blob, now())) return this.#putOff(candidate, blob.retentionExpirationTime ?? this.#in(DAY_MS));
    const quietAt = new Date(usedAt(blob).getTime() + blobGraceMs);
    if (quietAt > now()) return this.#putOff(candidate, quietAt);
    const { generation, metageneration } = blob;
    const version = { blobGeneration: generation, blobMetageneration: metageneration };
    const claimed = await permanent.patch(candidate.name, candidate, { cycle: this.id, ...version });
    if (!claimed) return this.#lostClaim(candidate);
    this.claims.set(key, { candidate: versionOf(claimed), blob: { generation, metageneration } });
    return 'claimed';
  }

  /**
   * @throws {Error} if the write took effect although its response was lost, and the candidate was written again since
   */
  async #lostClaim({ name }: StoredObject): Promise<ClaimOutcome> {
    const current = await this.#collector.permanent.stat(name);
    if (current?.metadata['cycle'] === this.id) throw new Error(`the claim of ${name} is in doubt`);
    return 'conflict';
  }

  /**
   * An upload that stores the content again looks for a candidate afterwards, and relies on one that is not claimed:
   * so it is claimed first, and the blob is looked for again.
   */
  async #dropUnlessBack(candidate: StoredObject, key: BlobKey): Promise<ClaimOutcome> {
    const { permanent } = this.#collector;
    const none = { blobGeneration: null, blobMetageneration: null };
    const claimed = await permanent.patch(candidate.name, candidate, { cycle: this.id, ...none });
    if (!claimed || (await permanent.stat(blobName(key)))) return 'conflict';
    await this.#drop(claimed);
    return 'dropped';
  }

  async #putOff(candidate: StoredObject, until: Date): Promise<ClaimOutcome> {
    const notBefore = new Date(Math.min(until.getTime(), this.#in(LONGEST_WAIT_MS).getTime()));
    // A cycle that has claimed it meanwhile must not delete its blob when it is resumed: the candidate is to wait.
    const unclaimed = { cycle: null, blobGeneration: null, blobMetageneration: null };
    await this.#collector.permanent.patch(candidate.name, candidate, {
      ...unclaimed,
      notBefore: notBefore.toISOString(),
    });
    return 'waiting';
  }

  /** A cycle is resumed from what candidates say: none that is struck out may still say that it is claimed. */
  async #strikeOut(candidate: Candidate): Promise<void> {
    let current: Candidate | undefined = candidate;
    while (current && !(await this.#drop(current))) {
      const there = await this.#collector.permanent.stat(candidate.name);
      current = there?.metadata['cycle'] === this.id ? there : undefined;
    }
  }

  /**
   * Decided. Where it may not be deleted, it says so itself.
   * @returns false where it is not any more what was read: suspected again meanwhile, say
   */
  async #drop(candidate: Candidate): Promise<boolean> {
    const { permanent } = this.#collector;
    const released = await deleteUnlessHeld(permanent, candidate);
    if (released !== 'kept') return released === 'deleted';
    return (await permanent.patch(candidate.name, candidate, { done: 'true' })) !== undefined;
  }

  #in(ms: number): Date {
    return new Date(this.#collector.now().getTime() + ms);
  }
}

/** The metadata that {@link Cycle} wrote to a candidate, if that cycle wrote it last. */
function claimOf(candidate: StoredObject, id: string): GcClaim | undefined {
  const { cycle, done, blobGeneration, blobMetageneration } = candidate.metadata as CandidateMetadata;
  const generation = parseGeneration(blobGeneration);
  const metageneration = parseGeneration(blobMetageneration) as string as Metageneration | undefined;
  if (cycle !== id || done !== undefined || !generation || !metageneration) return undefined;
  return { candidate: versionOf(candidate), blob: { generation, metageneration } };
}

function versionOf({ name, generation, metageneration, updated }: StoredObject): Candidate {
  return { name, generation, metageneration, updated };
}
