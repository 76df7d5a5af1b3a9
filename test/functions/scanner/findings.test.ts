import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { openDownload } from '../../../functions/files/download.ts';
import { scanFinalized } from '../../../functions/scanner/scan.ts';
import type { ScanContext } from '../../../functions/scanner/scan-context.ts';
import { type RecallDeps, recall } from '../../../functions/sweeper/recall.ts';
import { releaseFinding } from '../../../functions/sweeper/release.ts';
import { Blobs } from '../../../shared/files/blobs.ts';
import { Candidates } from '../../../shared/files/candidates.ts';
import type { FileId } from '../../../shared/files/file-id.ts';
import { Findings } from '../../../shared/files/findings.ts';
import { Receipts } from '../../../shared/files/receipts.ts';
import { type PendingRecord, parseSha256 } from '../../../shared/files/record.ts';
import { References } from '../../../shared/files/references.ts';
import { requireReadable } from '../../../shared/http/outcome.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { collect } from '../../shared/storage/streams.ts';
import { type Actor, CollectFixture, HOUR } from '../sweeper/collect-fixture.ts';
import { DAY } from '../sweeper/fixture.ts';
import type { Hook } from '../sweeper/hooked-bucket.ts';

const MALWARE = 'what only newer signatures find';
const SIGNATURE = 'Win.New.Signature';
const OTHER = 'org:2' as Principal;
const CHANGED = 'verdict.changed.v1';
const SHA256 = parseSha256(createHash('sha256').update(MALWARE).digest('hex')) ?? assert.fail();
const never = new AbortController().signal;

interface File {
  readonly record: PendingRecord;
  readonly object: StoredObject;
}

class Died extends Error {}

describe('a finding', () => {
  const fixture = new CollectFixture();
  const findings = () => new Findings(fixture.sweeper.permanent);

  /** Scan with signatures that know what the actor's own do not. */
  function newer(actor: Actor): ScanContext {
    const scanner: ScanContext['scanner'] = {
      ...actor.scan.scanner,
      scan: async (...args) => {
        assert.equal((await actor.scan.scanner.scan(...args)).kind, 'clean');
        return { kind: 'infected', signature: SIGNATURE };
      },
    };
    return { ...actor.scan, scanner, verdictMaxAgeMs: -1 };
  }
  const scan = (of: ScanContext, { object }: File) => scanFinalized(of, object, never);
  const older = (actor = fixture.actor()): ScanContext => actor.scan;

  /** File that its client sent to Cloud Storage itself: nobody knows the digest before the scan. */
  async function unhashed(file: File): Promise<File> {
    const read = await fixture.read(file.record.id);
    const { content: _, ...record } = file.record;
    assert.ok(await fixture.sweeper.records.replace(read, record));
    return { ...file, record };
  }

  async function isHandedOut(id: FileId): Promise<boolean> {
    const { record } = await fixture.read(id);
    const { deduplicate } = fixture;
    const stored = {
      blobs: new Blobs(fixture.sweeper.permanent, { deduplicate }),
      findings: findings(),
    };
    try {
      const request = { method: 'GET', reader: record.owner, headers: {}, signal: never } as const;
      const download = await openDownload(stored, requireReadable(record), request);
      await collect(download.bytes);
      return true;
    } catch (error) {
      const refused = ['file-infected', 'file-unscannable', 'not-scanned-yet', 'file-deleted'];
      if (refused.includes((error as { type?: string }).type ?? '')) return false;
      throw error;
    }
  }

  const changes = () =>
    new Set(
      fixture.published
        .filter(({ attributes }) => attributes['eventType'] === CHANGED)
        .map(({ attributes }) => attributes['ce-id']),
    ).size;

  /** Invariants once all is over, whatever came first. */
  async function settled(files: readonly File[]): Promise<void> {
    assert.equal((await findings().get(SHA256))?.signature, SIGNATURE);
    const states = new Set<string | undefined>();
    for (const { record } of files) {
      states.add(await fixture.state(record.id));
      assert.equal(await isHandedOut(record.id), false);
      assert.equal(await fixture.sweeper.unscanned.stat(record.id), undefined);
    }
    assert.deepEqual(
      [...states].filter((state) => state !== 'clean' && state !== 'infected'),
      [],
    );
    // Where each owner has a separate content, nobody knows of others' until one of theirs is scanned again.
    if (states.has('clean') && fixture.deduplicate === 'global') assert.equal(changes(), 1, 'said at once');
    const next = await fixture.upload(MALWARE, fixture.actor(), OTHER);
    await scan(older(), next);
    assert.equal(await fixture.state(next.record.id), 'infected');
    if (states.has('clean')) assert.equal(changes(), 1, 'said at last');
    const last = await unhashed(await fixture.upload(MALWARE));
    await scan(older(), last);
    assert.equal(await fixture.state(last.record.id), 'infected', 'also where nobody knew its digest');
  }

  /** One runs to its n-th operation, then the other from its beginning to its end, then the one goes on. */
  async function interleaved(
    first: (hook: Hook) => Promise<unknown>,
    n: number,
    second: () => Promise<unknown>,
  ) {
    let operations = 0;
    let inside: Promise<unknown> | undefined;
    const hook: Hook = async (_operation, _name, run) => {
      operations += 1;
      if (operations === n) {
        inside = second();
        await inside;
      }
      return run();
    };
    await first(hook);
    // An early read may be of no use, and then nobody waits for it.
    await inside;
    return operations;
  }

  for (const deduplicate of ['global', 'owner'] as const) {
    for (const [whose, same, known] of [
      ['of another file', false, true],
      ['of another file, of which nobody knows the digest', false, false],
      ['of the same file', true, true],
      ['of the same file, of which nobody knows the digest', true, false],
    ] as const) {
      for (const [order, oldIsInside] of [
        ['older signatures scan while newer ones do', true],
        ['newer signatures scan while older ones do', false],
      ] as const) {
        it(`stands with deduplication ${deduplicate}, ${whose}, at whichever step ${order}`, async () => {
          let steps = 1;
          let standing = 0;
          for (let n = 0; n <= steps + 1; n++) {
            await fixture.renew();
            fixture.deduplicate = deduplicate;
            const prepare = async (owner?: Principal): Promise<File> => {
              const file = await fixture.upload(MALWARE, fixture.actor(), owner);
              return known ? file : unhashed(file);
            };
            const found = await prepare();
            const passed = same ? found : await prepare(OTHER);
            const old = (hook?: Hook) => scan(older(fixture.actor(hook)), passed);
            const knowing = (hook?: Hook) => scan(newer(fixture.actor(hook)), found);
            const [outer, inner] = oldIsInside ? [knowing, old] : [old, knowing];
            // 0: the inner one has ended before the outer one begins; beyond the last step, it comes after it.
            if (n === 0) await inner();
            const operations = await interleaved(outer, n, () => inner());
            steps = Math.max(steps, operations);
            if (n > operations) await inner();
            // Of one file, older signatures may have decided before newer ones got a byte.
            if (same && !(await findings().get(SHA256))) {
              assert.equal(await fixture.state(found.record.id), 'clean');
              continue;
            }
            await settled([found, passed]);
            standing += 1;
          }
          assert.ok(standing > 2);
        });
      }
    }
  }

  for (const [whose, hadIt] of [
    ['that nobody had', false],
    ['that was handed out', true],
  ] as const) {
    it(`of a content ${whose} stands wherever its scan dies, and the event comes back to older signatures`, async () => {
      let died = true;
      for (let n = 1; died; n++) {
        await fixture.renew();
        const files: File[] = [];
        if (hadIt) {
          const first = await fixture.upload(MALWARE);
          await scan(older(), first);
          files.push(first);
          assert.ok(await isHandedOut(first.record.id));
        }
        fixture.now += 366 * DAY;
        const found = await fixture.upload(MALWARE);
        let operations = 0;
        const hook: Hook = async (operation, _name, run) => {
          operations += 1;
          if (operations > n) throw new Died();
          const result = await run();
          if (operations === n && operation !== 'stat' && operation !== 'read') throw new Died();
          return result;
        };
        died = await scan(newer(fixture.actor(hook)), found).then(
          () => false,
          () => true,
        );
        const standing = await findings().get(SHA256);
        await scan(older(), found);
        await scan(older(), found);
        if (standing) await settled([...files, found]);
        else assert.equal(await fixture.state(found.record.id), 'clean', 'nobody knew better');
      }
      assert.equal(changes(), hadIt ? 1 : 0);
    });
  }

  it('is told of where the scanner of a clean file died before it looked, and the sweeper concludes it', async () => {
    const file = await fixture.upload(MALWARE);
    const hook: Hook = async (operation, name, run) => {
      const result = await run();
      if (operation === 'insert' && name === `verdicts/${file.record.id}`) throw new Died();
      return result;
    };
    await assert.rejects(scan(older(fixture.actor(hook)), file));
    assert.equal(await fixture.state(file.record.id), 'clean');
    await findings().add(SHA256, foundAt(fixture.now));
    fixture.now += HOUR;
    await fixture.run();
    assert.equal(changes(), 1);
    assert.equal(await fixture.sweeper.unscanned.stat(file.record.id), undefined);
  });

  it('is told of after a release, also where nobody has the content', async () => {
    const { sweeper } = fixture;
    await findings().add(SHA256, { ...foundAt(fixture.now), signature: 'Win.Wrong' });
    fixture.now += HOUR;
    const order = { sha256: SHA256, signature: 'Win.Wrong', reason: 'a false positive' };
    assert.deepEqual(await releaseFinding(sweeper, order, 'a@example.org'), { released: 1 });
    fixture.now += HOUR;
    const file = await fixture.upload(MALWARE);
    const died = () => Promise.reject(new Died());
    await assert.rejects(scan({ ...newer(fixture.actor()), publish: died }, file), Died);
    await scan(newer(fixture.actor()), file);
    assert.equal(await fixture.state(file.record.id), 'infected');
    const told = fixture.published
      .map(({ attributes }) => attributes)
      .filter(({ eventType }) => eventType === CHANGED);
    assert.deepEqual(
      told.map(({ verdict }) => verdict),
      ['clean', 'infected'],
    );
  });

  it('needs no round trip of the scan of a clean file: each look is side by side with another call', async () => {
    const file = await fixture.upload('clean');
    let running = 0;
    const alone: string[] = [];
    const looks: string[] = [];
    const hook: Hook = async (operation, name, run) => {
      if (name.startsWith('findings/')) looks.push(operation);
      running += 1;
      await new Promise((resolve) => setImmediate(resolve));
      if (name.startsWith('findings/') && running === 1) alone.push(`${operation} ${name}`);
      try {
        return await run();
      } finally {
        running -= 1;
      }
    };
    const actor = fixture.actor(hook);
    const publish: ScanContext['publish'] = (event) =>
      hook('insert', 'an event', () => fixture.sweeper.publish(event));
    await scan({ ...actor.scan, publish }, file);
    assert.equal(await fixture.state(file.record.id), 'clean');
    assert.deepEqual([looks, alone], [['stat', 'stat'], []]);
  });

  it('outlives all that had the content, and every collection', async () => {
    const file = await fixture.upload(MALWARE);
    await scan(older(), file);
    fixture.now += 366 * DAY;
    const found = await fixture.upload(MALWARE);
    await scan(newer(fixture.actor()), found);
    for (const { record } of [file, found]) await fixture.remove(record.id);
    for (let collections = 0; collections < 5; collections++) {
      await fixture.collect();
      fixture.now += 32 * DAY;
    }
    assert.deepEqual([await fixture.blobs(), await fixture.names('files/')], [[], []]);
    const again = await fixture.upload(MALWARE);
    await scan(older(), again);
    assert.equal(await fixture.state(again.record.id), 'infected');
  });

  it('keeps a content out whose digest nobody knew before its scan', async () => {
    await findings().add(SHA256, foundAt(fixture.now));
    const file = await unhashed(await fixture.upload(MALWARE));
    await scan(older(), file);
    assert.equal(await fixture.state(file.record.id), 'infected');
    assert.deepEqual([await fixture.blobs(), changes()], [[], 0]);
  });

  function recallDeps(): RecallDeps {
    const { sweeper } = fixture;
    const { permanent } = sweeper;
    return {
      ...sweeper,
      candidates: new Candidates(permanent),
      references: new References(permanent),
      receipts: new Receipts(permanent),
      blobs: new Blobs(permanent),
      quarantine: undefined,
    };
  }

  /** Scan with an engine that cannot read the content, by a policy that accepts that. */
  function accepting({ scan }: Actor): ScanContext {
    const unable: ScanContext['scanner'] = {
      ...scan.scanner,
      scan: async (bytes) => {
        for await (const _ of bytes);
        return { kind: 'unscannable', reason: 'encrypted' };
      },
    };
    return { ...scan, scanner: unable, accepts: new Set(['encrypted']) };
  }

  it('is obeyed where a policy would accept what could not be scanned', async () => {
    await findings().add(SHA256, foundAt(fixture.now));
    const file = await unhashed(await fixture.upload(MALWARE));
    await scan(accepting(fixture.actor()), file);
    assert.equal(await fixture.state(file.record.id), 'infected');
    assert.deepEqual(await fixture.names('accepted/'), []);
  });

  it('takes back what a policy has accepted', async () => {
    const file = await fixture.upload(MALWARE);
    await scan(accepting(fixture.actor()), file);
    assert.ok(await isHandedOut(file.record.id));
    await findings().add(SHA256, foundAt(fixture.now));
    assert.equal(await isHandedOut(file.record.id), false);
  });

  for (const [order, isOuter] of [
    ['newer signatures scan another file while it is accepted', true],
    ['it is accepted while newer signatures scan another file', false],
  ] as const) {
    it(`recalls what a policy has accepted, at whichever step ${order}`, async () => {
      let steps = 1;
      for (let n = 0; n <= steps + 1; n++) {
        await fixture.renew();
        const accepted = await fixture.upload(MALWARE);
        const found = await fixture.upload(MALWARE, fixture.actor(), OTHER);
        const accept = (hook?: Hook) => scan(accepting(fixture.actor(hook)), accepted);
        const accepts: ScanContext['accepts'] = new Set(['encrypted']);
        const find = (hook?: Hook) => scan({ ...newer(fixture.actor(hook)), accepts }, found);
        const [outer, inner] = isOuter ? [accept, find] : [find, accept];
        if (n === 0) await inner();
        const operations = await interleaved(outer, n, () => inner());
        steps = Math.max(steps, operations);
        if (n > operations) await inner();
        fixture.now += HOUR;
        await recall(recallDeps(), { budgetMs: 60_000, stopping: () => false });
        assert.equal(await fixture.state(accepted.record.id), 'infected', `step ${n}`);
        assert.equal(await isHandedOut(accepted.record.id), false);
        assert.equal(changes(), 0, 'it was never clean');
      }
    });
  }

  it('counts for all owners, also where each has a separate content', async () => {
    fixture.deduplicate = 'owner';
    const [theirs, mine] = [
      await fixture.upload(MALWARE, fixture.actor(), OTHER),
      await fixture.upload(MALWARE),
    ];
    await scan(older(), theirs);
    await scan(newer(fixture.actor()), mine);
    assert.equal(await fixture.state(theirs.record.id), 'clean');
    assert.equal(await isHandedOut(theirs.record.id), false);
  });

  describe('that an operator releases', () => {
    const release = (how: { readonly signature?: string } = {}) =>
      releaseFinding(
        fixture.sweeper,
        { sha256: SHA256, reason: 'a false positive', ...how },
        'operator@example.org',
      );
    let clean: File;
    let found: File;

    beforeEach(async () => {
      clean = await fixture.upload(MALWARE);
      await scan(older(), clean);
      fixture.now += 366 * DAY;
      found = await fixture.upload(MALWARE);
      await scan(newer(fixture.actor()), found);
      assert.equal(await isHandedOut(clean.record.id), false);
      fixture.now += HOUR;
    });

    it('counts no more: clean files are handed out again, infected ones are not', async () => {
      assert.deepEqual(await release(), { released: 1 });
      assert.ok(await isHandedOut(clean.record.id));
      assert.equal(await isHandedOut(found.record.id), false);
      const next = await fixture.upload(MALWARE);
      await scan(older(), next);
      assert.ok(await isHandedOut(next.record.id));
      const object = await fixture.sweeper.permanent.stat(`findings/sha256/${SHA256}`);
      const { releasedBy, releasedAt, releasedReason, signature } = object?.metadata ?? {};
      assert.deepEqual(
        [releasedBy, releasedAt, releasedReason, signature],
        ['operator@example.org', new Date(fixture.now).toISOString(), 'a false positive', SIGNATURE],
      );
      assert.deepEqual(await release(), { released: 0 }, 'once');
    });

    it('is not brought back by an event of a scan before', async () => {
      await release();
      await findings().add(SHA256, foundAt(fixture.now - HOUR));
      assert.ok(await isHandedOut(clean.record.id));
    });

    for (const [what, how] of [
      ['whatever is found', {}],
      ['its signature', { signature: SIGNATURE }],
    ] as const) {
      it(`allows ${what} in later scans, and their files say by whom`, async () => {
        assert.deepEqual(await release(how), { released: 1 });
        const at = new Date(fixture.now);
        fixture.now += 366 * DAY;
        const again = await fixture.upload(MALWARE);
        await scan(newer(fixture.actor()), again);
        const { record } = await fixture.read(again.record.id);
        assert.ok(record.state === 'clean');
        const released = { by: 'operator@example.org', reason: 'a false positive', at, announced: true };
        assert.deepEqual(record.released, released);
        assert.ok(await isHandedOut(again.record.id));
      });
    }

    it('allows no content that is not the one its client claimed', async () => {
      await release();
      const { record, object } = await fixture.upload(MALWARE);
      const read = await fixture.read(record.id);
      const { content: _, ...sent } = record;
      const claims = { size: object.size, sha256: parseSha256('a'.repeat(64)) ?? assert.fail() };
      assert.ok(await fixture.sweeper.records.replace(read, { ...sent, claims }));
      await scan(newer(fixture.actor()), { record, object });
      const written = (await fixture.read(record.id)).record;
      assert.ok(written.state === 'failed');
      assert.equal(written.failure, 'contentMismatch');
    });

    it('does not allow another signature, which a release of this one does not cover', async () => {
      assert.deepEqual(await release({ signature: 'Win.Other' }), { released: 0 });
      assert.equal(await isHandedOut(clean.record.id), false);
      assert.deepEqual(await release({ signature: SIGNATURE }), { released: 1 });
      const other = { ...foundAt(fixture.now), signature: 'Win.Other' };
      assert.ok(!('release' in (await findings().add(SHA256, other))));
      assert.equal(await isHandedOut(clean.record.id), false);
      assert.deepEqual(await release(), { released: 1 }, 'and can be released again');
    });

    it('stays in its place under a retention policy', async () => {
      await fixture.admin('', { retentionPolicy: { retentionPeriod: String(10 * 365 * 86_400) } });
      assert.deepEqual(await release(), { released: 1 });
      assert.ok(await isHandedOut(clean.record.id));
      await fixture.admin('', { retentionPolicy: null });
    });
  });

  it('that somebody wrote by hand counts, whatever it says', async () => {
    const file = await fixture.upload(MALWARE);
    await scan(older(), file);
    const name = `findings/sha256/${SHA256}`;
    const { permanent } = fixture.sweeper;
    const marker = await permanent.insertEmpty(name, {
      contentType: 'text/plain',
      metadata: { releasedAt: 'soon' },
    });
    assert.ok(marker);
    assert.equal(await isHandedOut(file.record.id), false);
    const next = await fixture.upload(MALWARE);
    await scan(older(), next);
    assert.equal(await fixture.state(next.record.id), 'infected');
    const { record } = await fixture.read(next.record.id);
    assert.ok(record.state === 'infected' && record.signature === 'unspecified');
    assert.equal(changes(), 0);
  });

  it('is kept once, by however many scanners', async () => {
    const both = [foundAt(fixture.now), { ...foundAt(fixture.now + 1), signature: 'Win.Other.Name' }];
    const kept = await Promise.all(both.map((finding) => findings().add(SHA256, finding)));
    assert.equal(new Set(kept.map((known) => known?.signature)).size, 1);
  });

  function foundAt(at: number) {
    return { signature: SIGNATURE, scannedAt: new Date(at), engine: { engine: '1.4.3', database: 27_000 } };
  }
});
