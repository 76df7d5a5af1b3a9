import assert from 'node:assert/strict';
import { pino } from 'pino';
import { condemnContent, releaseFinding } from '../../../functions/sweeper/release.ts';
import { type CleanReport, releaseFoundClean } from '../../../functions/sweeper/release-clean.ts';
import { Findings } from '../../../shared/files/findings.ts';
import { parseSha256, type Sha256 } from '../../../shared/files/record.ts';
import { FAST_RETRY } from '../../shared/storage/streams.ts';
import { SweeperFixture } from './fixture.ts';
import { type Hook, HookedBucket, straight } from './hooked-bucket.ts';
import { digest } from './rescan-fixture.ts';

const SIGNATURE = 'Win.Withdrawn';
const ENGINE = { engine: '1.4.6', database: 27_700 };

describe('a policy to release what newer signatures find clean', () => {
  const fixture = new SweeperFixture(true);
  let lines: Record<string, unknown>[];
  beforeEach(() => {
    lines = [];
  });

  async function run(needsSecond = false, hook: Hook = straight): Promise<CleanReport> {
    const { sweeper, connection } = fixture;
    const permanent = new HookedBucket(hook, connection, sweeper.permanent.name, {
      retry: FAST_RETRY,
      paced: true,
    });
    const log = pino({}, { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) });
    const report = await releaseFoundClean({
      ...sweeper,
      findings: new Findings(permanent),
      log,
      needsSecond,
    });
    fixture.now += 2_000;
    return report;
  }
  /** A content in which older signatures found something, and newer ones nothing. */
  async function found(of: string, isClean = true): Promise<Sha256> {
    const sha256 = parseSha256(digest(of)) ?? assert.fail();
    const { findings, now } = fixture.sweeper;
    const engine = { engine: '1.4.5', database: 27_000 };
    const known = await findings.add(sha256, { signature: SIGNATURE, scannedAt: now(), engine });
    assert.ok(!('release' in known));
    fixture.now += 2_000;
    if (isClean) assert.ok(await findings.noteClean(known, { at: now(), engine: ENGINE }));
    fixture.now += 2_000;
    return sha256;
  }
  const finding = (sha256: Sha256) => fixture.sweeper.findings.look(sha256);

  it('takes the way of an operator’s release, in the name of the policy', async () => {
    const [sha256, other] = [await found('a'), await found('b', false)];
    assert.deepEqual(await run(), { released: 1 });
    const known = (await finding(sha256)) ?? assert.fail();
    assert.ok('release' in known);
    const { at: _, ...release } = known.release;
    assert.deepEqual(release, {
      by: 'policy',
      reason: 'no more found by ClamAV 1.4.6/27700',
      signature: SIGNATURE,
      untilFound: true,
    });
    const [line] = lines.filter(({ msg }) => msg === 'finding released');
    assert.deepEqual([line?.['by'], line?.['sha256']], ['policy', sha256]);
    const [event] = fixture.published;
    assert.equal(event?.attributes['eventType'], 'verdict.changed.v1');
    assert.ok(await fixture.sweeper.permanent.stat(`recalls/sha256/${sha256}`), 'its files become clean');
    assert.ok(await fixture.sweeper.findings.get(other));
    assert.deepEqual(await run(), {});
  });

  it('lasts until a scan finds the signature again, as an operator’s word does not', async () => {
    const { findings, now } = fixture.sweeper;
    const [sha256, vouched] = [await found('a'), await found('b', false)];
    await run();
    await releaseFinding(
      fixture.sweeper,
      { sha256: vouched, reason: 'ours', signature: SIGNATURE },
      'operator',
    );
    fixture.now += 2_000;
    for (const content of [sha256, vouched]) {
      await findings.add(content, { signature: SIGNATURE, scannedAt: now(), engine: ENGINE });
    }
    assert.equal((await findings.get(sha256))?.signature, SIGNATURE);
    assert.equal((await findings.get(sha256))?.clean, undefined);
    assert.equal(await findings.get(vouched), undefined);
  });

  it('is replaced by an operator’s word for the same signature, which lasts', async () => {
    const { findings, now } = fixture.sweeper;
    const sha256 = await found('a');
    await run();
    const order = { sha256, reason: 'ours', signature: SIGNATURE };
    const release = async () => {
      fixture.now += 2_000;
      return releaseFinding(fixture.sweeper, order, 'operator');
    };
    assert.deepEqual([await release(), await release()], [{ released: 1 }, { released: 0 }]);
    fixture.now += 2_000;
    await findings.add(sha256, { signature: SIGNATURE, scannedAt: now(), engine: ENGINE });
    assert.equal(await findings.get(sha256), undefined);
  });

  it('does not release what a scan has found again meanwhile', async () => {
    const sha256 = await found('a');
    const meeting: Hook = async (operation, _name, work) => {
      if (operation === 'stat') {
        const known = (await fixture.sweeper.findings.get(sha256)) ?? assert.fail();
        await fixture.sweeper.findings.noteClean(known, undefined);
        fixture.now += 2_000;
      }
      return work();
    };
    assert.deepEqual(await run(false, meeting), { changed: 1 });
    assert.ok(await fixture.sweeper.findings.get(sha256));
    assert.deepEqual(fixture.published, []);
  });

  it('does not release what any scan has found again', async () => {
    for (const [index, signature] of [SIGNATURE, 'Win.Other'].entries()) {
      const sha256 = await found(`again ${index}`);
      assert.deepEqual(await run(true), { awaitingSecond: 1 });
      const { findings, now } = fixture.sweeper;
      await findings.add(sha256, { signature, scannedAt: now(), engine: ENGINE });
      fixture.now += 2_000;
      assert.deepEqual(await run(), {});
      assert.ok(await findings.get(sha256));
      const order = { sha256, reason: 'withdrawn' };
      const report = await releaseFinding({ ...fixture.sweeper, needsSecond: true }, order, 'operator');
      assert.ok('state' in report, 'the policy is the first of two no more');
      const one = { ...order, signature: SIGNATURE };
      const again = await releaseFinding({ ...fixture.sweeper, needsSecond: true }, one, 'another');
      assert.ok('state' in again || again.alsoFound === 'Win.Other');
    }
  });

  it('asks no more once a scan in quarantine has found something again', async () => {
    const sha256 = await found('a');
    assert.deepEqual(await run(true), { awaitingSecond: 1 });
    const { findings } = fixture.sweeper;
    assert.ok(await findings.noteClean((await findings.get(sha256)) ?? assert.fail(), undefined));
    fixture.now += 2_000;
    const order = { sha256, reason: 'withdrawn', signature: SIGNATURE };
    const report = await releaseFinding({ ...fixture.sweeper, needsSecond: true }, order, 'operator');
    assert.ok('state' in report);
    assert.equal(report.askedBy, 'operator');
  });

  it('never releases what an operator has condemned', async () => {
    const sha256 = parseSha256(digest('a')) ?? assert.fail();
    await condemnContent(fixture.sweeper, { sha256, reason: 'x' }, 'operator');
    fixture.now += 2_000;
    const known = (await fixture.sweeper.findings.get(sha256)) ?? assert.fail();
    await fixture.sweeper.findings.noteClean(known, { at: fixture.sweeper.now(), engine: ENGINE });
    fixture.now += 2_000;
    assert.deepEqual(await run(), {});
    assert.ok(await fixture.sweeper.findings.get(sha256));
  });

  for (const isReleased of [false, true]) {
    it(`never releases what an operator has condemned ${isReleased ? 'to undo a release' : 'beside a scan'}`, async () => {
      const sha256 = await found('a');
      if (isReleased) await run();
      const report = await condemnContent(fixture.sweeper, { sha256, reason: 'x' }, 'operator');
      assert.deepEqual(report, { condemned: isReleased ? 1 : 0 });
      fixture.now += 2_000;
      const known = (await fixture.sweeper.findings.get(sha256)) ?? assert.fail();
      assert.equal(known.signature, SIGNATURE);
      await fixture.sweeper.findings.noteClean(known, { at: fixture.sweeper.now(), engine: ENGINE });
      fixture.now += 2_000;
      assert.deepEqual(await run(), {});
      assert.ok(await fixture.sweeper.findings.get(sha256));
      const order = { sha256, reason: 'ours', signature: SIGNATURE };
      assert.deepEqual(await releaseFinding(fixture.sweeper, order, 'operator'), { released: 1 });
    });
  }

  it('does not release what an operator condemns meanwhile', async () => {
    const sha256 = await found('a');
    const meeting: Hook = async (operation, _name, work) => {
      if (operation === 'stat') await condemnContent(fixture.sweeper, { sha256, reason: 'x' }, 'operator');
      fixture.now += 2_000;
      return work();
    };
    assert.deepEqual(await run(false, meeting), { changed: 1 });
    assert.ok(await fixture.sweeper.findings.get(sha256));
  });

  it('is the first of two, where a release needs a second operator', async () => {
    const sha256 = await found('a');
    assert.deepEqual(await run(true), { awaitingSecond: 1 });
    assert.deepEqual(await run(true), { awaitingSecond: 1 });
    assert.equal(lines.filter(({ msg }) => msg === 'release requested').length, 1);
    assert.ok(await fixture.sweeper.findings.get(sha256));
    const order = { sha256, reason: 'withdrawn', signature: SIGNATURE };
    const report = await releaseFinding({ ...fixture.sweeper, needsSecond: true }, order, 'operator');
    assert.deepEqual(report, { released: 1 });
    const known = (await finding(sha256)) ?? assert.fail();
    assert.ok('release' in known);
    assert.deepEqual([known.release.by, known.release.untilFound], ['operator', undefined]);
  });

  it('is resumed after a crash at any write', async () => {
    let died = true;
    for (let step = 0; died; step++) {
      died = false;
      const sha256 = await found(`crash ${step}`);
      let writes = 0;
      const dying: Hook = async (operation, _name, work) => {
        const result = await work();
        if (!['insert', 'patch'].includes(operation) || writes++ !== step) return result;
        died = true;
        throw new Error('died');
      };
      const report = await run(false, dying);
      assert.equal(report.error, died ? 1 : undefined);
      if (died) await run();
      const known = (await finding(sha256)) ?? assert.fail();
      assert.ok('release' in known && known.announced, `after ${step}`);
    }
  });
});
