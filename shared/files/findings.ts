import type { EngineVersion } from '../scanning/engine.ts';
import type { Bucket } from '../storage/bucket.ts';
import type { StoredObject } from '../storage/object.ts';
import { allObjects } from '../storage/page.ts';
import { field, group, type Metadata, optional, parseTime } from './fields.ts';
import { scanned } from './metadata.ts';
import { Recalls } from './recalls.ts';
import { parseSha256, type Sha256 } from './record.ts';

/** The prefix of the names of all findings, followed by the SHA-256 of the content. */
const FINDINGS_PREFIX = 'findings/sha256/';

/** The signature of a content that an operator has condemned: no scan found anything. */
export const CONDEMNED = 'Operator.Condemned';

/** The malware that a scan found in a content, or an operator's word that it is. */
export interface Finding {
  readonly signature: string;
  /** Time of the scan that found it, or of the operator's word. */
  readonly scannedAt: Date;
  /** Absent where no scan found it. */
  readonly engine?: EngineVersion;
}

/** A finding that stands: nobody gets these bytes, whatever any other scan says of them. */
export interface StandingFinding {
  readonly object: StoredObject;
  readonly signature: string;
  /** Absent where an operator wrote it by hand. */
  readonly finding?: Finding;
  /** The event that a content which was handed out is malware is out. */
  readonly announced: boolean;
  /** An operator who asked to release it, where that needs a second one. */
  readonly asked?: Release;
}

/** A finding that an operator has lifted: its files are clean. */
export interface LiftedFinding {
  readonly object: StoredObject;
  readonly signature: string;
  readonly release: Release;
  /** The event that the content is clean is out. */
  readonly announced: boolean;
}

/** An operator's word about a content. */
export interface Decision {
  /** Email of the operator. */
  readonly by: string;
  readonly at: Date;
  readonly reason: string;
}

/** An operator's decision that a finding was wrong. */
export interface Release extends Decision {
  /** The only signature that it allows in the content; absent where it allows whatever is found. */
  readonly signature?: string;
}

const release = (prefix: string) =>
  group<Release>({
    at: field(`${prefix}At`, parseTime, (at) => at.toISOString()),
    by: field(`${prefix}By`, (text) => text),
    reason: field(`${prefix}Reason`, (text) => text),
    signature: optional(field(`${prefix}Signature`, (text) => text)),
  });
const RELEASED = release('released');
const ASKED = release('asked');

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

  /** The finding that stands. @throws {StorageError} */
  async get(sha256: Sha256, signal?: AbortSignal): Promise<StandingFinding | undefined> {
    const known = await this.look(sha256, signal);
    return known && !('release' in known) ? known : undefined;
  }

  /** The finding of a content, lifted or not. @throws {StorageError} */
  async look(sha256: Sha256, signal?: AbortSignal): Promise<StandingFinding | LiftedFinding | undefined> {
    const object = await this.#bucket.stat(nameOf(sha256), signal);
    return object && parse(object);
  }

  /** Contents in which a finding has stood, as it is, since a time. A page of them is in memory. @throws {StorageError} */
  async *since(at: Date): AsyncGenerator<Sha256, void, undefined> {
    for await (const object of allObjects(this.#bucket, { prefix: FINDINGS_PREFIX })) {
      const sha256 = parseSha256(object.name.slice(FINDINGS_PREFIX.length));
      if (sha256 && object.updated <= at && !('release' in parse(object))) yield sha256;
    }
  }

  /**
   * Keeps a finding. The first one stands, and a later one changes nothing. A release stands where it allows the
   * signature; any other one replaces it.
   * @returns what stands, or the release that allows it
   * @throws {StorageError}
   */
  async add(sha256: Sha256, finding: Finding): Promise<StandingFinding | LiftedFinding> {
    const metadata = { signature: finding.signature, ...scanned.write(finding) };
    const kept = await this.#keep(sha256, metadata, (known) => isAllowed(known, finding.signature));
    return kept.known;
  }

  /**
   * Writes that a content is malware on the word of an operator, also where a release stands. A finding that stands already stays.
   * @throws {StorageError}
   */
  async condemn(
    sha256: Sha256,
    { by, at, reason }: Decision,
  ): Promise<{ readonly known: StandingFinding; readonly written: boolean }> {
    const metadata = {
      signature: CONDEMNED,
      ...scanned.write({ scannedAt: at }),
      condemnedBy: by,
      condemnReason: reason,
    };
    const { known, written } = await this.#keep(sha256, metadata, () => false);
    if ('release' in known) throw new Error('a release stood in the way');
    return { known, written };
  }

  /** Notes that the event of a finding, or of its release, is out. Lost to another who says so too, it is out as well. */
  async noteAnnounced({ object }: StandingFinding | LiftedFinding): Promise<void> {
    await this.#bucket.patch(object.name, object, { announced: 'true' });
  }

  /**
   * Lifts a finding, for every file that has the content, as it was read.
   * @returns undefined where somebody else wrote it meanwhile: read it again and decide again
   * @throws {StorageError}
   */
  async release({ object }: StandingFinding, release: Release): Promise<LiftedFinding | undefined> {
    const none = { announced: null, ...absent(object, 'asked'), ...absent(object, 'released') };
    const lifted = await this.#bucket.patch(object.name, object, { ...none, ...RELEASED.write(release) });
    const known = lifted && parse(lifted);
    return known && 'release' in known ? known : undefined;
  }

  /** Notes that an operator asks for a release which needs a second one. @see release */
  async ask({ object }: StandingFinding, release: Release): Promise<boolean> {
    const changes = { ...absent(object, 'asked'), ...ASKED.write(release) };
    return (await this.#bucket.patch(object.name, object, changes)) !== undefined;
  }

  async #keep(
    sha256: Sha256,
    metadata: Metadata,
    stands: (lifted: LiftedFinding) => boolean,
  ): Promise<{ readonly known: StandingFinding | LiftedFinding; readonly written: boolean }> {
    const name = nameOf(sha256);
    for (;;) {
      const inserted = await this.#bucket.insertEmpty(name, { metadata });
      if (inserted) return { known: parse(inserted), written: true };
      const object = await this.#bucket.stat(name);
      if (!object) continue;
      const known = parse(object);
      if (!('release' in known) || stands(known)) return { known, written: false };
      const patched = await this.#bucket.patch(name, object, { ...absent(object, ''), ...metadata });
      if (patched) return { known: parse(patched), written: true };
    }
  }
}

/** Whether a release covers what a scan found, or what a file is infected by. */
export function isAllowed({ release }: LiftedFinding, signature: string): boolean {
  return release.signature === undefined || release.signature === signature;
}

/** Changes that take away every key with a prefix. */
function absent({ metadata }: StoredObject, prefix: string): Record<string, null> {
  const keys = Object.keys(metadata).filter((key) => key.startsWith(prefix));
  return Object.fromEntries(keys.map((key) => [key, null]));
}

function nameOf(sha256: Sha256): string {
  return FINDINGS_PREFIX + sha256;
}

/** A marker that does not parse stands: only a release that does lifts it. */
function parse(object: StoredObject): StandingFinding | LiftedFinding {
  const none = () => undefined;
  const { signature = 'unspecified' } = object.metadata;
  const announced = object.metadata['announced'] === 'true';
  const release = RELEASED.read(object.metadata, none);
  if (release) return { object, signature, release, announced };
  const { scannedAt, engine } = scanned.read(object.metadata, none) ?? {};
  const finding = scannedAt && { signature, scannedAt, ...(engine && { engine }) };
  const asked = ASKED.read(object.metadata, none);
  return { object, signature, announced, ...(finding && { finding }), ...(asked && { asked }) };
}
