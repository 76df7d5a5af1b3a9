import { isOlder } from '../scanning/engine.ts';
import type { Bucket } from '../storage/bucket.ts';
import type { StoredObject } from '../storage/object.ts';
import { allObjects } from '../storage/page.ts';
import type { Metadata } from './fields.ts';
import {
  ASKED,
  CLEAN_PREFIX,
  CONDEMNED,
  type Decision,
  type Finding,
  FOUND_CLEAN,
  type FoundClean,
  isAllowed,
  isOfAScan,
  type LiftedFinding,
  parseFinding,
  RELEASED,
  type Release,
  replacedAt,
  type StandingFinding,
} from './finding.ts';
import { Recalls } from './recalls.ts';
import { parseSha256, type Sha256 } from './record.ts';
import { FOUND_AGAIN_ENGINE, scanned } from './record-fields.ts';

/** The prefix of the names of all findings, followed by the SHA-256 of the content. */
export const FINDINGS_PREFIX = 'findings/sha256/';

/**
 * Contents that were found to be malware: zero-byte objects `findings/sha256/<digest>` in the permanent bucket, one for
 * each digest, whether its bytes are stored or not. Findings are never deleted, which a retention policy would forbid
 * anyway, so a release is metadata too. docs/adr/0027-findings.md
 */
export class Findings {
  readonly recalls: Recalls;
  readonly #bucket: Bucket;

  constructor(permanent: Bucket) {
    this.recalls = new Recalls(permanent);
    this.#bucket = permanent;
  }

  /** The finding in force. @throws {StorageError} */
  async get(sha256: Sha256, signal?: AbortSignal): Promise<StandingFinding | undefined> {
    const known = await this.look(sha256, signal);
    return known && !('release' in known) ? known : undefined;
  }

  /** The finding of a content, released or not. @throws {StorageError} */
  async look(sha256: Sha256, signal?: AbortSignal): Promise<StandingFinding | LiftedFinding | undefined> {
    const object = await this.#bucket.stat(nameOf(sha256), signal);
    return object && parseFinding(object);
  }

  /**
   * Contents whose finding has been in force unchanged since a time, one page in memory at a time. @throws
   * {StorageError}
   */
  async *since(at: Date): AsyncGenerator<Sha256, void, undefined> {
    for await (const object of allObjects(this.#bucket, { prefix: FINDINGS_PREFIX })) {
      const sha256 = parseSha256(object.name.slice(FINDINGS_PREFIX.length));
      if (sha256 && object.updated <= at && !('release' in parseFinding(object))) yield sha256;
    }
  }

  /**
   * Keeps a finding. The first one stands. A later one notes its signature, if that is another, and its engine, if that is newer, and takes
   * back what was noted of an earlier scan that found nothing. It replaces an operator's condemnation: taking that back must not release what a scan has found. A
   * release stands where it allows the signature; any other one replaces it.
   * @returns the finding in force, or the release that covers it
   * @throws {StorageError}
   */
  async add(sha256: Sha256, finding: Finding): Promise<StandingFinding | LiftedFinding> {
    const metadata = (over?: LiftedFinding) => ({
      signature: finding.signature,
      ...scanned.write({ ...finding, scannedAt: replacedAt(over?.release.at, finding.scannedAt) }),
    });
    const covers = (known: LiftedFinding) =>
      isAllowed(known, finding.signature) && known.release.untilFound === undefined;
    for (;;) {
      const { known, written } = await this.#keep(sha256, metadata, covers);
      if ('release' in known || written) return known;
      const { object } = known;
      const isCondemned = known.signature === CONDEMNED;
      const changes = isCondemned
        ? { ...absent(object, 'asked'), ...absent(object, CLEAN_PREFIX), ...metadata() }
        : foundAgain(known, finding);
      if (Object.keys(changes).length === 0) return known;
      const patched = await this.#bucket.patch(object.name, object, changes);
      if (patched) return parseFinding(patched);
    }
  }

  /**
   * Writes that a content is malware on the word of an operator. A finding that stands already stays, with a note of
   * this word: no policy releases it then, and a release that was asked for is asked for anew. Where a finding was released, it is back with
   * its signature: taking back this word must not release what a scan has found.
   * @returns `written` if no finding was in force; `noted` if one was, and the note is new
   * @throws {StorageError}
   */
  async condemn(
    sha256: Sha256,
    { by, at, reason }: Decision,
  ): Promise<{ readonly known: StandingFinding; readonly written: boolean; readonly noted: boolean }> {
    const metadata = (over?: LiftedFinding) => ({
      signature: over?.signature ?? CONDEMNED,
      ...scanned.write({ scannedAt: replacedAt(over?.release.at, at) }),
      condemnedBy: by,
      condemnReason: reason,
    });
    for (let noted = false; ; ) {
      const { known, written } = await this.#keep(sha256, metadata, () => false);
      if ('release' in known) throw new Error('a release stood in the way');
      if (known.condemned) return { known, written, noted };
      const { object } = known;
      const changes = { ...absent(object, 'asked'), condemnedBy: by, condemnReason: reason };
      noted = (await this.#bucket.patch(object.name, object, changes)) !== undefined;
    }
  }

  /**
   * Notes that the event of a finding or its release has been published. A conflict with another process that notes the
   * same is fine.
   */
  async noteAnnounced({ object }: StandingFinding | LiftedFinding): Promise<void> {
    await this.#bucket.patch(object.name, object, { announced: 'true' });
  }

  /**
   * Releases a finding as it was read, for every file with the content; or replaces its release.
   * @returns undefined where somebody else wrote it meanwhile: read it again and decide again
   * @throws {StorageError}
   */
  async release(
    { object }: StandingFinding | LiftedFinding,
    release: Release,
  ): Promise<LiftedFinding | undefined> {
    const none = { announced: null, ...absent(object, 'asked'), ...absent(object, 'released') };
    const lifted = await this.#bucket.patch(object.name, object, { ...none, ...RELEASED.write(release) });
    const known = lifted && parseFinding(lifted);
    return known && 'release' in known ? known : undefined;
  }

  /** Notes that an operator requested a release that needs a second one. @see release */
  async ask({ object }: StandingFinding | LiftedFinding, release: Release): Promise<boolean> {
    const changes = { ...absent(object, 'asked'), ...ASKED.write(release) };
    return (await this.#bucket.patch(object.name, object, changes)) !== undefined;
  }

  /**
   * Notes that a newer scan of the bytes in quarantine found nothing, or that the newest one did not come to that. The first time that it
   * did is kept. Nobody gets a byte by it.
   * @returns false where somebody else wrote the finding meanwhile: read it again and decide again
   * @throws {StorageError}
   */
  async noteClean(known: StandingFinding, found: FoundClean | undefined): Promise<boolean> {
    const { object, clean } = known;
    if ((clean !== undefined) === (found !== undefined)) return true;
    const changes = found ? FOUND_CLEAN.write(found) : withoutClean(known);
    return (await this.#bucket.patch(object.name, object, changes)) !== undefined;
  }

  /**
   * Findings that stand although a newer scan found nothing, and those that were released for that and are not announced yet. A page of all
   * findings is in memory.
   * @throws {StorageError}
   */
  async *foundClean(): AsyncGenerator<readonly [Sha256, StandingFinding | LiftedFinding], void, undefined> {
    for await (const object of allObjects(this.#bucket, { prefix: FINDINGS_PREFIX })) {
      const sha256 = parseSha256(object.name.slice(FINDINGS_PREFIX.length));
      const known = parseFinding(object);
      const isOpen =
        'release' in known
          ? known.release.untilFound && !known.announced
          : isOfAScan(known) && known.clean !== undefined;
      if (sha256 && isOpen) yield [sha256, known];
    }
  }

  async #keep(
    sha256: Sha256,
    metadata: (over?: LiftedFinding) => Metadata,
    stands: (lifted: LiftedFinding) => boolean,
  ): Promise<{ readonly known: StandingFinding | LiftedFinding; readonly written: boolean }> {
    const name = nameOf(sha256);
    for (;;) {
      const inserted = await this.#bucket.insertEmpty(name, { metadata: metadata() });
      if (inserted) return { known: parseFinding(inserted), written: true };
      const object = await this.#bucket.stat(name);
      if (!object) continue;
      const known = parseFinding(object);
      if (!('release' in known) || stands(known)) return { known, written: false };
      const changes = { ...absent(object, ''), ...metadata(known), afterRelease: 'true' };
      const patched = await this.#bucket.patch(name, object, changes);
      if (patched) return { known: parseFinding(patched), written: true };
    }
  }
}

/** Changes of a finding that stands, by a scan that finds malware. */
function foundAgain(known: StandingFinding, { signature, engine }: Finding): Record<string, string | null> {
  const isOther = signature !== known.signature && known.other === undefined;
  const before = known.foundAgainBy ?? known.finding?.engine;
  // Not for every scan: a name accepts one write per second.
  const isNewer = engine && before && isOlder(before, engine);
  return {
    ...(known.clean && withoutClean(known)),
    ...(isOther && { ...absent(known.object, 'asked'), otherSignature: signature }),
    ...(isNewer && { ...absent(known.object, 'foundAgain'), ...FOUND_AGAIN_ENGINE.write(engine) }),
  };
}

/** A release requested by policy was requested because of the scan that found nothing. */
function withoutClean({ object, asked }: StandingFinding): Record<string, null> {
  return { ...absent(object, CLEAN_PREFIX), ...(asked?.untilFound && absent(object, 'asked')) };
}

/** Changes that remove every key with a prefix. */
function absent({ metadata }: StoredObject, prefix: string): Record<string, null> {
  const keys = Object.keys(metadata).filter((key) => key.startsWith(prefix));
  return Object.fromEntries(keys.map((key) => [key, null]));
}

function nameOf(sha256: Sha256): string {
  return FINDINGS_PREFIX + sha256;
}
