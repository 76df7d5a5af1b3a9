import assert from 'node:assert/strict';
import { EngineGate } from '../../../functions/scanner/engine-gate.ts';
import { deadLettered } from '../../../functions/sweeper/dead-letter.ts';
import type { EventMessage } from '../../../shared/events/cloud-event.ts';
import { notificationOf } from '../../../shared/events/finalized.ts';
import type { FileId } from '../../../shared/files/file-id.ts';
import { createClamd } from '../../../shared/scanning/clamd.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { CollectFixture, HOUR } from './collect-fixture.ts';
import { DAY, pushOf } from './fixture.ts';

/** Pub/Sub's attempts of one message, with the retry policy of the Terraform module (docs/adr/0025). */
const ATTEMPTS_MS = 3.2 * HOUR;

describe('while a deployment is incomplete', () => {
  const fixture = new CollectFixture();
  let id: FileId;
  let object: StoredObject;

  beforeEach(async () => {
    const early = await fixture.upload('early');
    object = early.object;
    id = early.record.id;
  });

  /** Each message is refused until it is a dead letter, for as long as three times the redrives that there may be. */
  async function waits(refused: () => Promise<unknown>): Promise<void> {
    const { data, attributes } = notificationOf(object, new Date(0));
    const { redrivenAt: _, ...original } = attributes;
    let message: EventMessage = { data, attributes: original };
    for (let redrives = 0; redrives < 3 * fixture.sweeper.maxRedrives; redrives++) {
      await refused();
      fixture.now += ATTEMPTS_MS;
      assert.equal(await deadLettered(fixture.sweeper, pushOf(message)), 'redriven');
      message = fixture.redelivered.at(-1) ?? assert.fail('it is sent to the scanner again');
    }
    assert.equal(await fixture.state(id), 'pending');
    assert.deepEqual(fixture.published, []);
    assert.deepEqual(await fixture.scan(object), { kind: 'done' });
    assert.equal(await fixture.state(id), 'clean');
  }

  const gate = (databaseDate?: string) => {
    const { scanner } = fixture.actor().scan;
    const version = async () => ({ engine: '1.4.3', ...(databaseDate && { databaseDate }) });
    const terms = { maxAgeMs: 7 * DAY, allowUndated: false, recheckMs: 0 };
    return new EngineGate({ ...scanner, version } as typeof scanner, { ...terms, now: fixture.sweeper.now });
  };

  it('files wait where ClamAV is not there', async () => {
    const timeouts = { connectTimeoutMs: 1_000, idleTimeoutMs: 1_000, totalTimeoutMs: 1_000 };
    const absent = createClamd({ host: '127.0.0.1', port: 1, maxBytes: 1_000, ...timeouts });
    const terms = { maxAgeMs: DAY, allowUndated: true, recheckMs: 0, now: fixture.sweeper.now };
    const engine = new EngineGate(absent, terms);
    await waits(() => assert.rejects(fixture.scan(object, undefined, { engine }), { code: 'unreachable' }));
  });

  it('files wait where the mirror is empty, and ClamAV has the signatures of its image alone', async () => {
    const how = { engine: gate() };
    await waits(() => assert.rejects(fixture.scan(object, undefined, how), /carry no date/));
  });

  it('files wait where the mirror was filled long ago', async () => {
    const how = { engine: gate('2020-01-01T00:00:00Z') };
    await waits(() => assert.rejects(fixture.scan(object, undefined, how), /older than allowed/));
  });

  for (const [what, ...operations] of [
    ['get objects', 'objects.get'],
    ['read bytes', 'objects.getMedia'],
    ['write verdicts', 'objects.insert', 'objects.patch'],
    ['promote', 'objects.rewrite'],
  ] as const) {
    it(`files wait where the scanner may not ${what}`, async () => {
      const { faults } = fixture.storage.emulator;
      await waits(async () => {
        for (const operation of operations) faults.add({ operation, effect: { kind: 'error', status: 403 } });
        await assert.rejects(fixture.scan(object), /403/);
        faults.clear();
      });
    });
  }
});
