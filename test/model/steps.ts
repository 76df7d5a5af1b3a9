import assert from 'node:assert/strict';
import { RecordWriter } from '../../functions/files/record-writer.ts';
import { addReference, removeReference } from '../../functions/files/refer.ts';
import { share as changeViewers } from '../../functions/files/share.ts';
import { removeEnd, setEnd, withdraw } from '../../functions/files/withdraw.ts';
import { redriveFile } from '../../functions/sweeper/redrive.ts';
import { releaseFinding } from '../../functions/sweeper/release.ts';
import { sweep } from '../../functions/sweeper/sweep.ts';
import type { ResourceUri } from '../../shared/files/references.ts';
import { Problem } from '../../shared/http/problems.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import { Background } from '../../shared/runtime/background.ts';
import { HOUR } from '../functions/sweeper/collect-fixture.ts';
import type { Hook } from '../functions/sweeper/hooked-bucket.ts';
import { FAST_RETRY } from '../shared/storage/streams.ts';
import { type Engine, SAMPLES, type Sample } from './contents.ts';
import { FileFacts } from './facts.ts';
import type { World } from './world.ts';

export const PRINCIPALS = ['org:1', 'org:2', 'org:3'] as readonly string[] as readonly Principal[];
const ENGINES: readonly Engine[] = ['older', 'newer', 'older', 'newer', 'down', 'breaking'];
/** A content whose verdict changes with the signatures comes most often, and one that is never handed out seldom. */
const UPLOADED: readonly Sample[] = SAMPLES.flatMap((sample) =>
  Array<Sample>({ late: 6, harmless: 3, malware: 1, encrypted: 2 }[sample.kind]).fill(sample),
);
const REFERENCES = ['urn:1', 'urn:2'] as readonly string[] as readonly ResourceUri[];

/** The subject of a step; each takes what it needs of it. */
export interface Subject {
  readonly file: number;
  readonly who: number;
  readonly what: number;
}

export interface Step {
  /** Requires a file. */
  readonly ofFile: boolean;
  readonly run: (world: World, subject: Subject, hook: Hook) => Promise<void>;
}

function pick<T>(from: readonly T[], index: number): T {
  const picked = from[index % from.length];
  assert.ok(picked !== undefined);
  return picked;
}

async function upload({ fixture, facts }: World, { who, what }: Subject, hook: Hook): Promise<void> {
  const sample = pick(UPLOADED, what);
  const owner = pick(PRINCIPALS, who);
  const end = what % 5 === 0 ? endIn(fixture.now, who) : undefined;
  const expiresAt = end === undefined ? {} : { expiresAt: new Date(end) };
  const { record } = await fixture.upload(sample.bytes, fixture.actor(hook), owner, expiresAt);
  const file = new FileFacts(record.id, owner, sample);
  if (end !== undefined) await file.end.turn('on', async () => true, end);
  facts.files.push(file);
}

function endIn(now: number, who: number): number {
  return now + (1 + who) * 4 * HOUR;
}

/** Mostly of a file that waits for a verdict, or that has one. */
function pickBy(world: World, index: number, mostly: 'pending' | 'decided', exception: boolean): FileFacts {
  const { files } = world.facts;
  const some = files.filter(({ verdict }) => (verdict === undefined) === (mostly === 'pending'));
  return pick(exception || some.length === 0 ? files : some, index);
}

/**
 * Removes the digest, as if the client had sent the file to Cloud Storage itself: nobody knows the digest before the
 * scan.
 */
async function forgetDigest(world: World, { file }: Subject): Promise<void> {
  const { fixture } = world;
  const read = await fixture.sweeper.records.get(pickBy(world, file, 'pending', false).id);
  if (read?.record.state !== 'pending') return;
  const { content: _, ...record } = read.record;
  await fixture.sweeper.records.replace(read, record);
}

async function deliver(world: World, { file, who, what }: Subject, hook: Hook): Promise<void> {
  const target = pickBy(world, file, 'pending', who % 6 === 0);
  await deliverTo(world, target, pick(ENGINES, what), hook);
}

async function deliverTo(world: World, target: FileFacts, which: Engine, hook: Hook): Promise<void> {
  const object = await world.fixture.sweeper.unscanned.stat(target.id);
  if (which !== 'down') target.tries++;
  if (object) await world.deliver(object, which, hook);
}

/** Signatures of different days at once, of one content. */
async function race(world: World, { file, what }: Subject, hook: Hook): Promise<void> {
  const first = pickBy(world, file, 'pending', false);
  const others = world.facts.files.filter(({ sample, verdict }) => sample === first.sample && !verdict);
  const second = pick(others.length > 0 ? others : [first], what);
  await Promise.all([deliverTo(world, first, 'older', hook), deliverTo(world, second, 'newer', hook)]);
}

/** @returns false where it was refused */
function asked(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    (error: unknown) => {
      if (error instanceof Problem && error.status < 500) return false;
      throw error;
    },
  );
}

function writerOf(world: World, hook: Hook): RecordWriter {
  return new RecordWriter(world.actor(hook).collector.records, FAST_RETRY);
}

async function share(world: World, { file, who, what }: Subject, hook: Hook): Promise<void> {
  const target = pick(world.facts.files, file);
  const viewer = pick(PRINCIPALS, who);
  if (viewer === target.owner) return;
  const { id } = target;
  const { shared, publish, now, log } = world.actor(hook).collector;
  const background = new Background(log);
  const deps = { writer: writerOf(world, hook), shared, publish, background, now, log };
  const until = what % 4 === 0 ? endIn(world.fixture.now, what) : undefined;
  const grant = { principal: viewer, ...(until !== undefined && { until: new Date(until) }) };
  const [to, change] =
    what % 2 === 0 ? (['on', { grant: [grant] }] as const) : (['off', { revoke: [viewer] }] as const);
  const sharing = { id, ...change, ifMatch: undefined };
  await target.viewer(viewer).turn(to, () => asked(changeViewers(deps, sharing)), until);
  await background.ended();
}

/** The owner gives a file another end, or none. */
async function end(world: World, { file, who, what }: Subject, hook: Hook): Promise<void> {
  const target = pick(world.facts.files, file);
  const { references, now } = world.actor(hook).collector;
  const deps = { references, now, writer: writerOf(world, hook) };
  if (what % 3 === 0) {
    await target.end.turn('off', () => asked(removeEnd(deps, target.id, undefined)));
    return;
  }
  const until = endIn(world.fixture.now, who);
  await target.end.turn('on', () => asked(setEnd(deps, target.id, new Date(until), undefined)), until);
}

async function refer(world: World, { file, who, what }: Subject, hook: Hook): Promise<void> {
  const target = pick(world.facts.files, file);
  const uri = pick(REFERENCES, who);
  const { collector } = world.actor(hook);
  const referring = { references: collector.references, writer: writerOf(world, hook), now: collector.now };
  const { id, owner } = target;
  // As the route does, before anything is written.
  const read = await collector.records.get(id);
  if (!read || read.record.state === 'deleted' || (what % 2 === 0 && read.record.expiresAt)) return;
  const reference = target.reference(uri);
  if (what % 2 === 0) {
    await reference.turn('on', () => asked(addReference(referring, { id, uri, by: owner })));
    return;
  }
  const was = reference.known;
  await reference.turn('off', () => asked(removeReference(referring, { id, uri }, collector.log)));
  if (was === 'on' && reference.known === 'off')
    target.neededAt = Math.max(target.neededAt, world.fixture.now);
}

async function remove(world: World, { file }: Subject, hook: Hook): Promise<void> {
  const target = pick(world.facts.files, file);
  const { references, now } = world.actor(hook).collector;
  const withdrawing = { references, now, writer: writerOf(world, hook) };
  await target.deletion.turn('on', () => asked(withdraw(withdrawing, target.id, undefined)));
}

/** A read: what comes of it must follow from what its caller was told before it began. */
async function look(world: World, { file, who, what }: Subject, hook: Hook): Promise<void> {
  const target = pickBy(world, file, 'decided', what % 6 === 0);
  const principal = pick(PRINCIPALS, who);
  await world.check();
  const { sample, owner } = target;
  const { facts } = world;
  const { now } = world.fixture;
  const sees = target.viewer(principal).watch(now);
  const deleted = target.deletion.watch(now);
  const isOver = target.isOver(now);
  const { releases } = facts;
  const wasFound = facts.standing.has(sample.sha256);
  const got = await world.read(target, principal, hook);
  if (typeof got === 'object') {
    assert.equal(got.bytes, sample.bytes);
    assert.ok(principal === owner || sees() !== 'off', 'it was handed out to somebody else');
    assert.notEqual(deleted(), 'on', 'it was handed out after it was deleted');
    assert.ok(!isOver, 'it was handed out after its end');
    // Of a file that is deleted it may be collected by now.
    if (target.deletion.known === 'off' && !target.isCollected)
      assert.ok(await world.isReceipted(target, principal), 'nobody knows who got it');
    assert.ok(!wasFound || releases !== facts.releases, 'malware was handed out');
    if (sample.kind === 'encrypted') assert.ok(facts.policy.acceptsEncrypted);
    else assert.ok(sample.kind !== 'malware' || facts.onceReleased.has(sample.sha256));
  } else if (got === 'not-found') {
    assert.notEqual(principal, owner, 'its owner does not find it');
    assert.notEqual(sees(), 'on', 'its viewer does not find it');
  } else if (got === 'file-infected') {
    assert.ok(sample.kind === 'malware' || sample.kind === 'late', `${sample.kind} is refused`);
  }
}

async function release(world: World, { what }: Subject, hook: Hook): Promise<void> {
  world.facts.releases++;
  const { sha256 } = pick(SAMPLES, what);
  world.facts.onceReleased.add(sha256);
  const order = { sha256, reason: 'a test' };
  await releaseFinding(world.actor(hook).collector, order, 'operator@example.org');
}

export const STEPS = {
  upload: { ofFile: false, run: upload },
  forgetDigest: { ofFile: true, run: forgetDigest },
  deliver: { ofFile: true, run: deliver },
  race: { ofFile: true, run: race },
  share: { ofFile: true, run: share },
  refer: { ofFile: true, run: refer },
  remove: { ofFile: true, run: remove },
  end: { ofFile: true, run: end },
  look: { ofFile: true, run: look },
  release: { ofFile: true, run: release },
  sweep: {
    ofFile: false,
    run: async (world, _, hook) => {
      await sweep(world.actor(hook).collector, { budgetMs: 60_000, stopping: () => false });
    },
  },
  collect: {
    ofFile: false,
    run: async (world, { who, what }, hook) => {
      // Often stopped: the next one goes on.
      let left = what % 2 === 0 ? Number.POSITIVE_INFINITY : 2 * who;
      await world.fixture.collect(world.actor(hook), { stopping: () => --left < 0 });
    },
  },
  redrive: {
    ofFile: true,
    run: async (world, { file }, hook) => {
      await redriveFile(world.actor(hook).collector, pick(world.facts.files, file).id);
    },
  },
} as const satisfies Readonly<Record<string, Step>>;
