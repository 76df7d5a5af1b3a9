import assert from 'node:assert/strict';
import { blobKeys, blobName, type Contents } from '../../shared/files/blob-name.ts';
import type { FileId } from '../../shared/files/file-id.ts';
import { sharedName } from '../../shared/files/shared-files.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { metadataByFile } from '../support/records.ts';
import { type Kind, SAMPLES, type Sample } from './contents.ts';
import { LifeLines } from './diagrams.ts';
import { Switch } from './switch.ts';

/** How a deployment is set up. */
export interface Policy {
  readonly deduplicate: 'global' | 'owner';
  readonly acceptsEncrypted: boolean;
  /** Milliseconds for which an earlier scan answers for a content. */
  readonly verdictMaxAgeMs: number;
  /** Milliseconds; undefined: nothing is collected for want of a reference. */
  readonly unreferencedAfterMs: number | undefined;
}

/** A file whose upload was acknowledged. */
export class FileFacts {
  readonly id: FileId;
  readonly owner: Principal;
  readonly sample: Sample;
  readonly deletion = new Switch();
  /** Whether it has an end. */
  readonly end = new Switch();
  readonly #viewers = new Map<Principal, Switch>();
  readonly #references = new Map<string, Switch>();
  /** The first that was seen, and the only one there may ever be. */
  verdict: string | undefined;
  isCollected = false;
  /** Scans that began, or may have. */
  tries = 0;
  /** Milliseconds: when it got its verdict, or its last reference was removed. */
  neededAt = 0;

  constructor(id: FileId, owner: Principal, sample: Sample) {
    this.id = id;
    this.owner = owner;
    this.sample = sample;
  }

  viewer(principal: Principal): Switch {
    return entry(this.#viewers, principal);
  }

  reference(uri: string): Switch {
    return entry(this.#references, uri);
  }

  get viewers(): ReadonlyMap<Principal, Switch> {
    return this.#viewers;
  }

  /** Whether it was told to have an end that is reached. */
  isOver(now: number): boolean {
    return this.end.known === 'on' && this.end.knownAt(now) === 'off';
  }

  /** Whether it may have one. */
  mayBeOver(now: number): boolean {
    if (this.end.known !== 'unknown') return this.isOver(now);
    return this.end.asked.some((until) => until !== undefined && until <= now);
  }

  get isReferenced(): boolean {
    return [...this.#references.values()].some(({ known }) => known === 'on');
  }
}

function entry<Key>(map: Map<Key, Switch>, key: Key): Switch {
  const known = map.get(key) ?? new Switch();
  map.set(key, known);
  return known;
}

/** Verdicts of a content that a scan may come to, whichever signatures it has. */
const VERDICTS: Readonly<Record<Kind, readonly string[]>> = {
  harmless: ['clean'],
  malware: ['infected'],
  late: ['clean', 'infected'],
  encrypted: ['unscannable'],
};
/** The states of each file and its verdict, by the id of the file. */
function statesOf(objects: readonly StoredObject[]) {
  const states = new Map<string, { file?: string | undefined; verdict?: string | undefined }>();
  for (const { name, metadata } of objects) {
    const [prefix = '', id = ''] = name.split('/');
    if (prefix === 'files') states.set(id, { ...states.get(id), file: metadata['state'] });
    if (prefix === 'verdicts') {
      const verdict = metadata['state'] === 'pending' ? 'leased' : metadata['state'];
      states.set(id, { ...states.get(id), verdict });
    }
  }
  return states;
}

const DECIDED: ReadonlySet<string | undefined> = new Set(['clean', 'infected', 'unscannable']);

/** The ends of grants, in milliseconds, by who has them. */
export function grantsIn({ viewers = '' }: StoredObject['metadata']): Map<string, number> {
  const texts = viewers.split(' ').filter((text) => text !== '');
  return new Map(
    texts.map((text) => {
      const [principal = '', until = Number.POSITIVE_INFINITY] = text.split(';');
      return [principal, Number(until)];
    }),
  );
}

function checkViewers(file: FileFacts, metadata: StoredObject['metadata'], now: number): void {
  const grants = grantsIn(metadata);
  for (const [principal, viewer] of file.viewers) {
    const known = viewer.knownAt(now);
    const until = grants.get(principal) ?? Number.NEGATIVE_INFINITY;
    if (known === 'on')
      assert.equal(until, viewer.until ?? Number.POSITIVE_INFINITY, `${principal} of ${file.id}`);
    // One that is over may not be swept yet.
    if (known === 'off') assert.ok(until <= now, `${principal} of ${file.id} still`);
  }
}

/** A record that names a viewer is found by them. */
function checkIndex(
  id: FileId,
  metadata: StoredObject['metadata'],
  names: ReadonlySet<string>,
  now: number,
): void {
  const { state, fileExpiresAt } = metadata;
  if (state === 'deleted' || state === 'expired' || Date.parse(fileExpiresAt ?? '') <= now) return;
  for (const [viewer, until] of grantsIn(metadata)) {
    const isFound = until <= now || names.has(sharedName(viewer as Principal, id));
    assert.ok(isFound, `${viewer} does not find ${id}`);
  }
}

/** Limit of the fixture's sweeper. */
const MAX_REDRIVES = 3;

/** The model: what the clients of the service were told, and what must follow from it. */
export class Facts {
  readonly policy: Policy;
  readonly files: FileFacts[] = [];
  /** Digests in which something was found, and nobody has released it. */
  standing: ReadonlySet<string> = new Set();
  /** Digests that were handed out as clean at some time. */
  readonly oncePromoted = new Set<string>();
  /** How many releases have begun. */
  releases = 0;
  /** Digests whose release has begun: whatever is found in them may be allowed. */
  readonly onceReleased = new Set<string>();
  readonly #lines = new LifeLines();

  constructor(policy: Policy) {
    this.policy = policy;
  }

  /** Invariants at every moment. @param objects all of the permanent bucket */
  check(objects: readonly StoredObject[], now: number): void {
    const names = new Set(objects.map(({ name }) => name));
    this.#checkFindings(objects);
    for (const { kind, sha256 } of SAMPLES) {
      const stored = [...names].some((name) => name.startsWith('blobs/') && name.endsWith(sha256));
      const isReleased = this.onceReleased.has(sha256);
      assert.ok(
        !stored || kind === 'harmless' || kind === 'late' || isReleased,
        `${kind} content was promoted`,
      );
      if (stored) this.oncePromoted.add(sha256);
    }
    this.#lines.look(statesOf(objects));
    const records = metadataByFile(objects);
    for (const [id, metadata] of records) {
      const contents = { owner: metadata['owner'], sha256: metadata['sha256'] } as Contents;
      const hasBlob = () => blobKeys(contents).some((key) => names.has(blobName(key)));
      if (metadata['state'] === 'clean') assert.ok(hasBlob(), `${id} is clean and has no content`);
      checkIndex(id as FileId, metadata, names, now);
    }
    for (const file of this.files) this.#checkFile(file, records.get(file.id), now);
  }

  verdictsOf({ sample: { kind, sha256 } }: FileFacts): readonly string[] {
    return this.onceReleased.has(sha256) ? [...VERDICTS[kind], 'clean'] : VERDICTS[kind];
  }

  #checkFindings(objects: readonly StoredObject[]): void {
    const findings = objects.filter(({ name }) => name.startsWith('findings/'));
    const found = new Set(findings.map(({ name }) => name.split('/').at(-1)));
    for (const { kind, sha256 } of SAMPLES) {
      if (kind === 'harmless' || kind === 'encrypted') assert.ok(!found.has(sha256), `${kind} was found`);
    }
    for (const digest of this.standing) assert.ok(found.has(digest), 'a finding is gone');
    const released = (metadata: StoredObject['metadata']) => metadata['releasedAt'] !== undefined;
    const standing = findings.filter(({ metadata }) => !released(metadata));
    this.standing = new Set(standing.map(({ name }) => name.split('/').at(-1) ?? ''));
  }

  #checkFile(file: FileFacts, metadata: StoredObject['metadata'] | undefined, now: number): void {
    const state = metadata?.['state'];
    if (metadata) checkViewers(file, metadata, now);
    // Every reader takes it for deleted, whether that is written down or not: see test/shared/files/ends.test.ts.
    const isOver = Date.parse(metadata?.['fileExpiresAt'] ?? '') <= now;
    if (state === 'deleted' || !metadata || isOver) {
      this.#checkDeleted(file, now);
      return;
    }
    assert.notEqual(file.deletion.known, 'on', `${file.id} is back`);
    assert.notEqual(state, 'expired', `${file.id} was accepted and is lost`);
    if (state === 'failed') assert.ok(file.tries >= MAX_REDRIVES, `${file.id} has failed of waiting`);
    if (!DECIDED.has(state)) {
      assert.equal(file.verdict, undefined, `${file.id} has lost its verdict`);
      return;
    }
    if (file.verdict === undefined) {
      assert.ok(this.verdictsOf(file).includes(state ?? ''), `${file.sample.kind} is ${state}`);
      const forgotten = state === 'infected' && this.releases === 0 && !this.standing.has(file.sample.sha256);
      assert.ok(!forgotten, 'a finding is forgotten');
      file.verdict = state;
      file.neededAt = Math.max(file.neededAt, now);
    }
    assert.equal(state, file.verdict, `${file.id} has another verdict`);
  }

  #checkDeleted(file: FileFacts, now: number): void {
    assert.ok(!file.isReferenced, `${file.id} is deleted and referred to`);
    if (file.deletion.known !== 'off' || file.isCollected) return;
    if (file.mayBeOver(now)) {
      file.isCollected = true;
      return;
    }
    assert.notEqual(file.end.known, 'on', `${file.id} is gone before its end`);
    const grace = this.policy.unreferencedAfterMs;
    assert.ok(grace !== undefined && file.verdict !== undefined, `${file.id} is gone, and nobody deleted it`);
    assert.ok(now - file.neededAt >= grace, `${file.id} was collected too early`);
    file.isCollected = true;
  }
}
