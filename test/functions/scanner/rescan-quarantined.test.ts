import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Outcome } from '../../../functions/scanner/outcome.ts';
import { rescan } from '../../../functions/scanner/rescanner/rescan.ts';
import type { RescanContext } from '../../../functions/scanner/rescanner/rescan-context.ts';
import { condemnContent, releaseFinding } from '../../../functions/sweeper/release.ts';
import type { StandingFinding } from '../../../shared/files/finding.ts';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { parseGeneration, type StoredObject } from '../../../shared/storage/object.ts';
import { FAST_RETRY } from '../../shared/storage/streams.ts';
import { type Hook, HookedBucket, straight } from '../sweeper/hooked-bucket.ts';
import {
  admissionOf,
  CLEAN,
  INFECTED,
  NEW,
  RescannerFixture,
  SIGNATURE,
  sha256Of,
} from './rescanner-fixture.ts';

const never = new AbortController().signal;
const FOUND_BY = { engine: '1.4.5', database: 27_000, databaseDate: '2026-11-24T04:00:00.000Z' };

class Died extends Error {}

describe('a re-scan of a content in quarantine', () => {
  const fixture = new RescannerFixture();
  let quarantine: Bucket;
  let count = 0;
  beforeEach(async () => {
    const name = `quarantine-of-rescan-${count++}`;
    (await fixture.storage.call('POST', '/storage/v1/b?project=p', { json: { name } })).ok();
    quarantine = new Bucket(fixture.connection, name, { retry: FAST_RETRY, paced: true });
  });

  /** Bytes in quarantine, in which older signatures found something. */
  async function infected(
    bytes = randomBytes(100),
    signature = SIGNATURE,
  ): Promise<StoredObject & { bytes: Buffer }> {
    async function* source() {
      yield bytes;
    }
    const options = { contentType: 'application/octet-stream' };
    const object = await (await quarantine.stage(`sha256/${sha256Of(bytes)}`, source(), options)).commit();
    const scan = { scannedAt: fixture.sweeper.now(), engine: FOUND_BY };
    await fixture.sweeper.findings.add(sha256Of(bytes), { signature, ...scan });
    fixture.now += 2_000;
    return { ...object, bytes };
  }
  async function scanned(
    { name, generation, bytes }: StoredObject & { bytes: Buffer },
    how: Partial<RescanContext> = {},
    hook: Hook = straight,
  ): Promise<Outcome> {
    const terms = { retry: FAST_RETRY, paced: true };
    const hooked = new HookedBucket(hook, fixture.connection, quarantine.name, terms);
    const request = { name, generation, dueAt: new Date(fixture.now), quarantined: sha256Of(bytes) };
    fixture.now += 1_000;
    return rescan(fixture.context({ quarantine: hooked, ...how }, hook), request, never);
  }
  const finding = ({ bytes }: { bytes: Buffer }): Promise<StandingFinding | undefined> =>
    fixture.sweeper.findings.get(sha256Of(bytes));
  const reported = () =>
    fixture.lines.filter(({ msg }) => msg === 'newer signatures find nothing in a quarantined content');

  it('that finds nothing is noted once, is reported once, and lifts nothing', async () => {
    const object = await infected();
    assert.deepEqual(await scanned(object), { kind: 'done' });
    const at = new Date(fixture.now);
    const known = await finding(object);
    assert.equal(known?.signature, SIGNATURE);
    assert.deepEqual(known?.clean, { at, engine: NEW });
    assert.deepEqual(known?.finding?.engine, FOUND_BY);
    assert.deepEqual(fixture.given, [object.bytes]);
    fixture.now += 2_000;
    const later = { ...NEW, database: NEW.database + 1 };
    await scanned(object, { engine: { fit: async () => later } });
    assert.deepEqual((await finding(object))?.clean, { at, engine: NEW }, 'the first time is kept');
    assert.deepEqual(fixture.outcomes(), ['clean', 'clean']);
    const [line] = reported();
    assert.equal(reported().length, 1);
    assert.equal(line?.['level'], 40, 'a warning, for which no alert is there');
    assert.deepEqual(fixture.published, []);
    assert.deepEqual((await quarantine.stat(object.name))?.metageneration, object.metageneration);
  });

  for (const [what, verdict, outcome] of [
    ['finds something again', INFECTED, 'infected'],
    ['cannot scan it', { kind: 'unscannable', reason: 'limitExceeded' }, 'unscannable'],
  ] as const) {
    it(`that ${what} takes the note back`, async () => {
      const object = await infected();
      await scanned(object);
      fixture.now += 2_000;
      fixture.verdict = verdict;
      await scanned(object, { engine: { fit: async () => ({ ...NEW, database: 28_000 }) } });
      assert.equal((await finding(object))?.clean, undefined);
      assert.equal((await finding(object))?.signature, SIGNATURE);
      assert.deepEqual(fixture.outcomes(), ['clean', outcome]);
    });
  }

  it('that finds another signature notes that one as well', async () => {
    const object = await infected(randomBytes(100), 'Win.First');
    fixture.verdict = INFECTED;
    await scanned(object);
    const known = await finding(object);
    assert.deepEqual([known?.signature, known?.other], ['Win.First', SIGNATURE]);
    assert.deepEqual([fixture.outcomes(), fixture.published], [['infected'], []]);
  });

  for (const isOther of [false, true]) {
    it(`brings back a finding that was released meanwhile, ${isOther ? 'by another signature' : 'but not the one that was allowed'}`, async () => {
      const object = await infected(randomBytes(100), isOther ? 'Win.First' : SIGNATURE);
      fixture.verdict = INFECTED;
      const sha256 = sha256Of(object.bytes);
      const releasing: Hook = async (operation, _name, work) => {
        if (operation === 'read') {
          const signature = isOther ? 'Win.First' : SIGNATURE;
          await releaseFinding(fixture.sweeper, { sha256, reason: 'x', signature }, 'operator');
          fixture.now += 2_000;
          fixture.published = [];
        }
        return work();
      };
      await scanned(object, {}, releasing);
      assert.equal((await finding(object))?.signature, isOther ? SIGNATURE : undefined);
      assert.deepEqual(fixture.outcomes(), [isOther ? 'infected' : 'released']);
      assert.equal(fixture.published.length, isOther ? 1 : 0);
    });
  }

  it('tells of another signature after a release, though it died before', async () => {
    const object = await infected(randomBytes(100), 'Win.First');
    fixture.verdict = INFECTED;
    const sha256 = sha256Of(object.bytes);
    await assert.rejects(
      scanned(object, { publish: () => Promise.reject(new Died()) }, async (operation, _name, work) => {
        if (operation === 'read') {
          const order = { sha256, reason: 'x', signature: 'Win.First' };
          await releaseFinding(fixture.sweeper, order, 'operator');
          fixture.now += 2_000;
        }
        return work();
      }),
      Died,
    );
    fixture.now += 2_000;
    await scanned(object);
    assert.deepEqual(
      fixture.published.map(({ attributes }) => attributes['verdict']),
      ['clean', 'infected'],
    );
  });

  it('is none by the signatures that decided last, or of a request that was answered', async () => {
    const object = await infected();
    await scanned(object, { engine: { fit: async () => FOUND_BY } });
    await scanned(object);
    fixture.now += 2_000;
    await scanned(object);
    fixture.now -= 60_000;
    await scanned(object, { engine: { fit: async () => ({ ...NEW, database: 28_000 }) } });
    assert.deepEqual(fixture.outcomes(), ['current', 'clean', 'current', 'current']);
    assert.equal(fixture.given.length, 1);
  });

  for (const [what, older] of [
    ['signatures', { ...NEW, database: FOUND_BY.database - 1 }],
    ['releases of ClamAV', { ...NEW, engine: '1.4.4' }],
    ['databases without a version', { engine: NEW.engine }],
  ] as const) {
    it(`does not say clean by older ${what} than those that found something`, async () => {
      const object = await infected();
      await scanned(object, { engine: { fit: async () => older } });
      assert.equal((await finding(object))?.clean, undefined);
      assert.deepEqual([fixture.outcomes(), fixture.given], [['current'], []]);
    });
  }

  it('that finds nothing is noted by a later release of ClamAV, whatever the length of its number', async () => {
    const object = await infected();
    const engine = { ...NEW, engine: '1.4.10' };
    await scanned(object, { engine: { fit: async () => engine } });
    assert.deepEqual((await finding(object))?.clean?.engine, engine);
  });

  for (const [what, signature] of [
    ['the same', SIGNATURE],
    ['something else', 'Another'],
  ] as const) {
    it(`has its note taken back where the scan of an upload finds ${what} meanwhile`, async () => {
      const object = await infected();
      await scanned(object);
      assert.ok((await finding(object))?.clean);
      fixture.now += 2_000;
      const { findings } = fixture.sweeper;
      await findings.add(sha256Of(object.bytes), {
        signature,
        scannedAt: new Date(fixture.now),
        engine: NEW,
      });
      const known = await finding(object);
      assert.deepEqual([known?.signature, known?.clean], [SIGNATURE, undefined]);
      assert.deepEqual(known?.finding?.engine, FOUND_BY, 'the first finding stands');
      for await (const [sha256] of findings.foundClean()) assert.notEqual(sha256, sha256Of(object.bytes));
    });
  }

  for (const when of ['before', 'during'] as const) {
    it(`does not say clean by older signatures than those that found something ${when} it`, async () => {
      const object = await infected();
      const newest = { ...NEW, database: NEW.database + 1 };
      const found = async () => {
        const scannedAt = new Date(fixture.now);
        const { findings } = fixture.sweeper;
        await findings.add(sha256Of(object.bytes), { signature: SIGNATURE, scannedAt, engine: newest });
        fixture.now += 2_000;
      };
      if (when === 'before') await found();
      await scanned(object, {}, async (operation, _name, work) => {
        if (operation === 'read') await found();
        return work();
      });
      assert.equal((await finding(object))?.clean, undefined);
      assert.deepEqual(fixture.outcomes(), [when === 'before' ? 'current' : 'over']);
      await scanned(object, { engine: { fit: async () => ({ ...newest, database: newest.database + 1 }) } });
      assert.ok((await finding(object))?.clean, 'newer ones have the last word');
    });
  }

  it('does not say clean of what windows alone would see, and reads nothing of it', async () => {
    const object = await infected(randomBytes(1_001));
    await scanned(object, { windows: { maxBytes: 3_000, overlapBytes: 100, timeoutMs: 60_000 } });
    assert.equal((await finding(object))?.clean, undefined);
    assert.deepEqual([fixture.outcomes(), fixture.given], [['unscannable'], []]);
  });

  it('does not say clean of other bytes', async () => {
    const [object, other] = [await infected(), await infected()];
    await scanned({ ...object, bytes: other.bytes });
    assert.equal((await finding(object))?.clean, undefined);
    assert.equal((await finding(other))?.clean, undefined);
    assert.deepEqual(fixture.outcomes(), ['damaged']);
  });

  it('is over where no scan is why it is there', async () => {
    const [released, condemned, byHand, gone] = [
      await infected(),
      randomBytes(100),
      randomBytes(100),
      await infected(),
    ];
    const { sweeper } = fixture;
    await releaseFinding(sweeper, { sha256: sha256Of(released.bytes), reason: 'x' }, 'operator');
    await condemnContent(sweeper, { sha256: sha256Of(condemned), reason: 'x' }, 'operator');
    const metadata = { signature: 'by hand' };
    await sweeper.permanent.insertEmpty(`findings/sha256/${sha256Of(byHand)}`, { metadata });
    const [one, other] = [await infected(condemned), await infected(byHand)];
    await quarantine.delete(gone.name, gone);
    for (const object of [released, one, other, gone]) await scanned(object);
    await scanned({ ...(await infected()), generation: parseGeneration('1') ?? assert.fail() });
    await scanned(await infected(), { quarantine: undefined });
    assert.deepEqual(fixture.outcomes(), Array(6).fill('over'));
    assert.deepEqual(fixture.given, []);
  });

  it('says nothing of a finding that came meanwhile', async () => {
    const object = await infected();
    const sha256 = sha256Of(object.bytes);
    const meeting: Hook = async (operation, _name, run) => {
      if (operation !== 'patch') return run();
      const { findings } = fixture.sweeper;
      const known = (await findings.get(sha256)) ?? assert.fail();
      await findings.release(known, {
        by: 'o',
        at: new Date(fixture.now),
        reason: 'x',
        signature: SIGNATURE,
      });
      fixture.now += 2_000;
      await findings.add(sha256, { signature: 'Another', scannedAt: new Date(fixture.now), engine: NEW });
      fixture.now += 2_000;
      return run();
    };
    await scanned(object, {}, meeting);
    const known = await finding(object);
    assert.deepEqual([known?.signature, known?.clean], ['Another', undefined]);
    assert.deepEqual(fixture.outcomes(), ['over']);
  });

  it('that ends after its write is resumed by the next delivery, and one that cannot be scanned comes back', async () => {
    const object = await infected();
    const dying: Hook = async (operation, _name, run) => {
      const result = await run();
      if (operation === 'patch') throw new Died();
      return result;
    };
    await assert.rejects(scanned(object, {}, dying), Died);
    fixture.now += 2_000;
    await scanned(object);
    assert.ok((await finding(object))?.clean);
    assert.equal((await scanned(await infected(), { admission: admissionOf(0) })).kind, 'later');
    assert.equal(fixture.verdict, CLEAN);
  });
});
