import { createHash } from 'node:crypto';
import { parseFileId } from '../../shared/files/file-id.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import type { ReceivedEvent } from '../support/received-events.ts';
import { metadataByFile } from '../support/records.ts';
import { eventually } from '../support/service.ts';
import type { Rig, Upload } from './rig.ts';

const TERMINAL = new Set(['clean', 'infected', 'unscannable']);
const BLOBS = 'blobs/sha256/';

/** The contents of all buckets, and the events of a subscriber, at one moment. */
interface Snapshot {
  /** Records by the id of the file: its metadata. */
  readonly records: ReadonlyMap<string, StoredObject['metadata']>;
  readonly blobs: readonly StoredObject[];
  readonly unscanned: readonly string[];
  readonly quarantine: ReadonlySet<string>;
  readonly events: ReadonlyMap<string, readonly ReceivedEvent[]>;
}

async function snapshot(rig: Rig): Promise<Snapshot> {
  const [records, verdicts, blobs, unscanned, quarantine, events] = await Promise.all([
    rig.all('permanent', 'files/'),
    rig.all('permanent', 'verdicts/'),
    rig.all('permanent', BLOBS),
    rig.all('unscanned'),
    rig.all('quarantine'),
    rig.events(),
  ]);
  return {
    records: metadataByFile([...records, ...verdicts]),
    blobs,
    unscanned: unscanned.map(({ name }) => name),
    // Contents that were recalled are beside the files that never were clean.
    quarantine: new Set(quarantine.map(({ name }) => name).filter((name) => !name.includes('/'))),
    // Others are about a content, or say that a verdict changed later.
    events: Map.groupBy(
      events.filter(({ attributes }) => attributes['eventType']?.startsWith('scan.')),
      ({ data }) => data.fileId,
    ),
  };
}

/** Waits until nothing is under way any more, or for so long. The invariants report unfinished work. */
export async function settle(rig: Rig, seconds: number): Promise<void> {
  const settled = async (): Promise<boolean> => {
    const { records, events, unscanned } = await snapshot(rig);
    if (unscanned.some((id) => records.has(id))) return false;
    return rig.uploads.every(
      ({ id }) => id === undefined || (TERMINAL.has(records.get(id)?.['state'] ?? '') && events.has(id)),
    );
  };
  await eventually(settled, seconds).catch(() => undefined);
}

/**
 * Invariants once nothing is under way, read from the buckets themselves. Each entry names the invariant
 * that does not hold, and what it does not hold of.
 * @param uploads the files to try to download
 */
export async function violations(rig: Rig, uploads: readonly Upload[]): Promise<string[]> {
  const now = await snapshot(rig);
  return [
    ...(await blobsAreClean(rig, now)),
    ...(await onlyCleanIsHandedOut(rig, uploads)),
    ...acceptedIsDecided(rig.uploads, now),
    ...subscribersKnow(now),
    ...nothingIsLeft(now),
    ...quarantineHoldsTheRest(now),
    ...(await rulesHold(rig)),
  ];
}

const verified = new WeakMap<Rig, Set<string>>();

async function blobsAreClean(rig: Rig, { blobs }: Snapshot): Promise<string[]> {
  const seen = verified.get(rig) ?? new Set();
  verified.set(rig, seen);
  const found: string[] = [];
  for (const blob of blobs) {
    const version = `${blob.name}#${blob.generation}`;
    if (seen.has(version)) continue;
    const digest = await digestOf(rig, blob);
    if (blob.name !== BLOBS + digest) found.push(`(a) ${blob.name} holds bytes whose SHA-256 is ${digest}`);
    if (!rig.cleanDigests.has(digest)) found.push(`(a) ${blob.name} was never uploaded as clean`);
    seen.add(version);
  }
  return found;
}

async function digestOf(rig: Rig, blob: StoredObject): Promise<string> {
  const bytes = await rig.bucket('permanent').read(blob.name, {
    generation: blob.generation,
    range: { start: 0, end: blob.size - 1 },
    signal: AbortSignal.timeout(30_000),
  });
  const hash = createHash('sha256');
  for await (const piece of bytes ?? []) hash.update(piece);
  return hash.digest('hex');
}

async function onlyCleanIsHandedOut(rig: Rig, uploads: readonly Upload[]): Promise<string[]> {
  const found: string[] = [];
  for (const { id, expected, sha256 } of uploads) {
    if (id === undefined) continue;
    const response = await rig.call('GET', `/files/${id}`);
    const digest = createHash('sha256').update(Buffer.from(await response.arrayBuffer()));
    const got = response.ok && digest.digest('hex');
    if (expected !== 'clean' && response.ok) found.push(`(a) ${id}, ${expected}, was handed out`);
    const receipts = await rig.all('permanent', `receipts/${id}/`);
    if (response.ok && receipts.length === 0) found.push(`(a) ${id} was handed out without a receipt`);
    if (expected === 'clean' && got !== sha256) {
      found.push(`(b) ${id}, clean, is not handed out as it came: ${response.status}`);
    }
  }
  return found;
}

function acceptedIsDecided(uploads: readonly Upload[], { records }: Snapshot): string[] {
  return uploads.flatMap(({ id, expected, orElse = expected }) => {
    if (id === undefined) return [];
    const { state, reason, detail } = records.get(id) ?? {};
    if (state === expected || state === orElse) return [];
    const why = [reason, detail].filter((text) => text !== undefined).join(', ');
    return [`(b) ${id}, ${expected}, is ${state ?? 'without a record'}${why && ` (${why})`}`];
  });
}

function subscribersKnow({ records, events }: Snapshot): string[] {
  const silent = [...records]
    .filter(([id, { state }]) => TERMINAL.has(state ?? '') && !events.has(id))
    .map(([id, { state }]) => `(c) ${id}, ${state}: no event`);
  const wrong = [...events].flatMap(([id, received]) => {
    const ids = new Set(received.map(({ attributes }) => attributes['ce-id']));
    const verdicts = new Set(received.map(({ data }) => data.verdict));
    const told = [...verdicts].join();
    const state = records.get(id)?.['state'];
    return [
      ...(ids.size === 1 ? [] : [`(c) ${id}: ${ids.size} different event ids`]),
      // A file that was deleted had a verdict before.
      ...(told === state || state === 'deleted' ? [] : [`(c) ${id}: events say ${told}`]),
    ];
  });
  return [...silent, ...wrong];
}

/** Bytes of an upload that was refused before it had a record are there for a day: docs/adr/0001. */
function nothingIsLeft({ unscanned, records }: Snapshot): string[] {
  return unscanned
    .map((name) => ({ name, state: records.get(name)?.['state'] }))
    .filter(({ name, state }) => state !== 'failed' && (records.has(name) || !parseFileId(name)))
    .map(({ name, state }) => `(d) ${name} is left in unscanned, its record ${state}`);
}

function quarantineHoldsTheRest({ records, quarantine }: Snapshot): string[] {
  const isBad = (id: string) => ['infected', 'unscannable'].includes(records.get(id)?.['state'] ?? '');
  return [
    ...[...records.keys()]
      .filter((id) => isBad(id) && !quarantine.has(id))
      .map((id) => `(e) ${id} is missing`),
    ...[...quarantine].filter((id) => !isBad(id)).map((id) => `(e) ${id} is not to be in quarantine`),
  ];
}

/** The rules of the auditor that are broken, and that nothing puts right within seconds. */
async function rulesHold(rig: Rig): Promise<string[]> {
  let broken: string[] = [];
  const audited = async () => {
    const { examples } = await rig.audit();
    broken = examples.map(({ rule, object }) => `(f) ${object} breaks the rule ${rule}`);
    return broken.length === 0;
  };
  await eventually(audited, 30).catch(() => undefined);
  return broken;
}
