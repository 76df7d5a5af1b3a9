import type { EngineVersion } from '../scanning/engine.ts';
import type { Bucket } from '../storage/bucket.ts';
import type { StoredObject } from '../storage/object.ts';
import { allObjects } from '../storage/page.ts';
import { parseTime } from './fields.ts';
import { scanned } from './metadata.ts';
import { Recalls } from './recalls.ts';
import { parseSha256, type Sha256 } from './record.ts';

/** The prefix of the names of all findings, followed by the SHA-256 of the content. */
const FINDINGS_PREFIX = 'findings/sha256/';

/** The malware that a scan found in a content. */
export interface Finding {
  readonly signature: string;
  /** Time of the scan that found it. */
  readonly scannedAt: Date;
  readonly engine: EngineVersion;
}

/** A finding that stands: nobody gets these bytes, whatever any other scan says of them. */
export interface StandingFinding {
  readonly object: StoredObject;
  readonly signature: string;
  /** Absent where an operator wrote it by hand. */
  readonly finding?: Finding;
  /** The event that a content which was handed out is malware is out. */
  readonly announced: boolean;
}

/** An operator's decision that a finding was wrong. */
interface Release {
  /** Email of the operator. */
  readonly by: string;
  readonly at: Date;
  readonly reason: string;
}

/**
 * Contents that were found to be malware: zero-byte objects `findings/sha256/<digest>` of the permanent bucket, one
 * for each digest whether its bytes are stored or not. A finding outlives them. Nothing deletes one: under a retention
 * policy nothing could, so that a release is metadata as well. docs/adr/0027-findings.md
 */
export class Findings {
  readonly recalls: Recalls;
  readonly #bucket: Bucket;

  constructor(permanent: Bucket) {
    this.recalls = new Recalls(permanent);
    this.#bucket = permanent;
  }

  /** @throws {StorageError} */
  async get(sha256: Sha256, signal?: AbortSignal): Promise<StandingFinding | undefined> {
    const object = await this.#bucket.stat(nameOf(sha256), signal);
    return object && standing(object);
  }

  /** Contents in which a finding has stood, as it is, since a time. A page of them is in memory. @throws {StorageError} */
  async *since(at: Date): AsyncGenerator<Sha256, void, undefined> {
    for await (const object of allObjects(this.#bucket, { prefix: FINDINGS_PREFIX })) {
      const sha256 = parseSha256(object.name.slice(FINDINGS_PREFIX.length));
      if (sha256 && object.updated <= at && standing(object)) yield sha256;
    }
  }

  /**
   * Keeps a finding. The first one stands, and a later one changes nothing; a release stands until a scan that began
   * to count after it finds something again, and not because the event of an earlier one comes once more.
   * @returns what stands; undefined where a release does
   * @throws {StorageError}
   */
  async add(sha256: Sha256, finding: Finding): Promise<StandingFinding | undefined> {
    const name = nameOf(sha256);
    const metadata = { signature: finding.signature, ...scanned.write(finding) };
    for (;;) {
      const inserted = await this.#bucket.insertEmpty(name, { metadata });
      if (inserted) return standing(inserted);
      const object = await this.#bucket.stat(name);
      if (!object) continue;
      const known = standing(object);
      if (known) return known;
      const releasedAt = parseTime(object.metadata['releasedAt'] ?? '');
      if (releasedAt && finding.scannedAt <= releasedAt) return undefined;
      const anew = Object.fromEntries(Object.keys(object.metadata).map((key) => [key, null]));
      const patched = await this.#bucket.patch(name, object, { ...anew, ...metadata });
      if (patched) return standing(patched);
    }
  }

  /** The signature whose finding in this content an operator has lifted. @throws {StorageError} */
  async released(sha256: Sha256): Promise<string | undefined> {
    const object = await this.#bucket.stat(nameOf(sha256));
    return object && !standing(object) ? object.metadata['signature'] : undefined;
  }

  /** Notes that the event of a finding is out. Lost to another who says so too, it is out as well. */
  async noteAnnounced({ object }: StandingFinding): Promise<void> {
    await this.#bucket.patch(object.name, object, { announced: 'true' });
  }

  /**
   * Lifts a finding, for every file that has the content.
   * @returns false where none stands
   * @throws {StorageError}
   */
  async release(sha256: Sha256, { by, at, reason }: Release): Promise<boolean> {
    const release = { releasedAt: at.toISOString(), releasedBy: by, releaseReason: reason };
    for (let known = await this.get(sha256); known; known = await this.get(sha256)) {
      if (await this.#bucket.patch(known.object.name, known.object, release)) return true;
    }
    return false;
  }
}

function nameOf(sha256: Sha256): string {
  return FINDINGS_PREFIX + sha256;
}

/** A marker that does not parse stands: only a release that does lifts it. */
function standing(object: StoredObject): StandingFinding | undefined {
  const { signature = 'unspecified', releasedAt, announced } = object.metadata;
  if (parseTime(releasedAt ?? '')) return undefined;
  const { scannedAt, engine } = scanned.read(object.metadata, () => undefined) ?? {};
  const finding = scannedAt && engine && { signature, scannedAt, engine };
  return { object, signature, ...(finding && { finding }), announced: announced === 'true' };
}
