import assert from 'node:assert/strict';
import type fc from 'fast-check';
import { openDownload } from '../../functions/files/download.ts';
import { findFile, ownerOrViewer } from '../../functions/files/find.ts';
import { ReceiptWriter } from '../../functions/files/receipt-writer.ts';
import { scanFinalized } from '../../functions/scanner/scan.ts';
import { redriveAllFailed } from '../../functions/sweeper/redrive.ts';
import { sweep } from '../../functions/sweeper/sweep.ts';
import { Receipts } from '../../shared/files/receipts.ts';
import { requireReadable } from '../../shared/http/outcome.ts';
import { Problem } from '../../shared/http/problems.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import { ScanFault } from '../../shared/scanning/verdict.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import type { CollectFixture } from '../functions/sweeper/collect-fixture.ts';
import { DAY } from '../functions/sweeper/fixture.ts';
import { type Hook, type Operation, straight } from '../functions/sweeper/hooked-bucket.ts';
import { collect } from '../shared/storage/streams.ts';
import { type Engine, engine, type Sample } from './contents.ts';
import { checkEvents } from './events.ts';
import { Facts, type FileFacts, grantsIn, type Policy } from './facts.ts';
import { type Death, Turns } from './turns.ts';

const WRITES: ReadonlySet<Operation> = new Set<Operation>(['commit', 'insert', 'patch', 'rewrite', 'delete']);
const never = new AbortController().signal;

/** The use cases of all functions over the storage emulator, and what is known of them. */
export class World {
  readonly facts: Facts;
  readonly fixture: CollectFixture;
  readonly #turns: Turns;
  readonly #violations: unknown[] = [];

  constructor(fixture: CollectFixture, scheduler: fc.Scheduler, policy: Policy) {
    this.fixture = fixture;
    this.facts = new Facts(policy);
    fixture.deduplicate = policy.deduplicate;
    fixture.unreferencedAfterMs = policy.unreferencedAfterMs;
    this.#turns = new Turns(scheduler, async (operation) => {
      // The caller may take what is thrown here for a failure of storage, and go on.
      if (WRITES.has(operation)) await this.check().catch((error: unknown) => this.#violations.push(error));
    });
  }

  start(label: string, death: Death | undefined, work: (hook: Hook) => Promise<void>): void {
    this.#turns.start(label, death, work);
  }

  async pass(operations: number): Promise<void> {
    await this.#turns.pass(operations);
    this.#throwViolation();
  }

  async settle(): Promise<void> {
    await this.#turns.settle();
    this.#throwViolation();
  }

  async check(): Promise<void> {
    const { permanent } = this.fixture.sweeper;
    const { objects } = await permanent.list({ prefix: '', maxResults: 1000 });
    this.facts.check(objects, this.fixture.now);
  }

  /** All functions of one process. Publishing is an operation too. */
  actor(hook: Hook) {
    const { collector, scan } = this.fixture.actor(hook);
    const publish: typeof scan.publish = (event) =>
      hook('publish', event.attributes['eventType'] ?? '', () => this.fixture.sweeper.publish(event));
    return { collector: { ...collector, publish }, scan: { ...scan, publish } };
  }

  /** One delivery of the event of an object. @returns whether it was acknowledged */
  async deliver(object: StoredObject, which: Engine, hook: Hook = straight): Promise<boolean> {
    const scanner = engine(which);
    const { scan } = this.actor(hook);
    const { acceptsEncrypted, verdictMaxAgeMs } = this.facts.policy;
    const accepts = new Set(acceptsEncrypted ? (['encrypted'] as const) : []);
    const how = { accepts, scanner, engine: { fit: () => scanner.version() }, verdictMaxAgeMs };
    try {
      return (await scanFinalized({ ...scan, ...how }, object, never)).kind === 'done';
    } catch (error) {
      if (error instanceof ScanFault && (which === 'down' || which === 'breaking')) return false;
      throw error;
    }
  }

  /** The answer to a principal who asks for a file: its bytes, or the type of the problem. */
  async read(file: FileFacts, principal: Principal, hook: Hook): Promise<{ bytes: string } | string> {
    const { scan, collector } = this.actor(hook);
    const { permanent, publish, now } = collector;
    const caller: Caller = {
      principal,
      principals: new Set([principal]),
      scopes: new Set(['read']),
      issuer: 'https://issuer.example.org',
    };
    try {
      const { record } = await findFile(
        { records: scan.records, now },
        caller,
        file.id,
        ownerOrViewer,
        never,
      );
      const request = { method: 'GET', reader: principal, headers: {}, signal: never } as const;
      const receiptWriter = new ReceiptWriter({ receipts: new Receipts(permanent), publish, now });
      const download = await openDownload({ ...scan, receiptWriter }, requireReadable(record), request);
      return { bytes: (await collect(download.bytes)).toString() };
    } catch (error) {
      if (error instanceof Problem) return error.type;
      // It may be deleted and collected between two looks.
      const isGoing = file.deletion.known !== 'off' || file.isCollected || file.mayBeOver(this.fixture.now);
      if (isGoing && error instanceof Error && /not what the record|went away/.test(error.message))
        return 'gone';
      throw error;
    }
  }

  /** Whether it is known that a principal has got a file. */
  async isReceipted({ id }: FileFacts, principal: Principal): Promise<boolean> {
    const receipts = new Receipts(this.fixture.sweeper.permanent);
    return (await receipts.writtenAt(id, principal, never)) !== undefined;
  }

  /** A content whose only file is deleted, and which the next collection may delete. */
  async age(sample: Sample, owner: Principal): Promise<void> {
    const { record, object } = await this.fixture.upload(sample.bytes, this.fixture.actor(), owner);
    await this.deliver(object, 'older');
    await this.fixture.remove(record.id);
    await this.fixture.collect(this.actor(straight));
    this.fixture.now += 2 * DAY;
  }

  /** Nothing is broken any more, and all that waits gets its time: every file that was accepted comes to its end. */
  async heal(): Promise<void> {
    await this.settle();
    for (let days = 0; days < 6; days++) {
      await this.#deliverAll();
      this.fixture.now += 2 * DAY;
      const { collector } = this.actor(straight);
      await sweep(collector, { budgetMs: 60_000, stopping: () => false });
      if (days === 1) await redriveAllFailed(collector, () => false);
      await this.check();
    }
    for (let collections = 0; collections < 3; collections++) {
      await this.fixture.collect(this.actor(straight));
      this.fixture.now += DAY;
      await this.check();
    }
    for (const file of this.facts.files) await this.#checkEnd(file);
    checkEvents(this.facts, this.fixture.published);
  }

  async #deliverAll(): Promise<void> {
    const { objects } = await this.fixture.sweeper.unscanned.list({ prefix: '', maxResults: 1000 });
    for (const object of objects) await this.deliver(object, 'newer');
    await this.check();
  }

  async #checkEnd(file: FileFacts): Promise<void> {
    const { now } = this.fixture;
    const found = await this.fixture.sweeper.permanent.stat(`files/${file.id}`);
    if (file.isOver(now))
      assert.equal(
        found?.metadata['state'] ?? 'deleted',
        'deleted',
        `${file.id} is over, and nobody noticed`,
      );
    if (file.deletion.known !== 'off' || file.isCollected) return;
    for (const [principal, until] of grantsIn(found?.metadata ?? {}))
      assert.ok(until > now, `the grant of ${principal} is over, and nobody noticed`);
    if (file.verdict === undefined) throw new Error(`${file.id} was accepted and has no verdict`);
    const { sample } = file;
    const isReadable =
      file.verdict === 'clean' || (file.verdict === 'unscannable' && this.facts.policy.acceptsEncrypted);
    const got = await this.read(file, file.owner, straight);
    const mayHave = isReadable && !this.facts.standing.has(sample.sha256);
    if (mayHave !== (typeof got === 'object'))
      throw new Error(`${sample.kind} at the end: ${JSON.stringify(got)}`);
    if (typeof got === 'object' && got.bytes !== sample.bytes)
      throw new Error('other bytes than were uploaded');
    if (await this.fixture.sweeper.unscanned.stat(file.id)) throw new Error('its source is left');
  }

  #throwViolation(): void {
    if (this.#violations.length > 0) throw this.#violations[0];
  }
}
