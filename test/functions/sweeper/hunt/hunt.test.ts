import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { estimateHunt, type Hit, type HuntReport, hunt } from '../../../../functions/sweeper/hunt/hunt.ts';
import { readIndicators } from '../../../../functions/sweeper/hunt/indicators.ts';
import type { Places } from '../../../../functions/sweeper/ranges.ts';
import { Blobs } from '../../../../shared/files/blobs.ts';
import { newFileId } from '../../../../shared/files/file-id.ts';
import type { Sha256 } from '../../../../shared/files/record.ts';
import { OWNER, SweeperFixture } from '../fixture.ts';
import { type Hook, HookedBucket, straight } from '../hooked-bucket.ts';

const hex = (bytes: Uint8Array, kind: string) => createHash(kind).update(bytes).digest('hex');

describe('a hunt', () => {
  const fixture = new SweeperFixture();

  /** Stores contents as blobs, and one whose MD5 nobody knows. */
  async function store(contents: readonly Buffer[]): Promise<void> {
    for (const bytes of contents) {
      async function* source() {
        yield bytes;
      }
      const options = { contentType: 'application/octet-stream' };
      const staged = await fixture.sweeper.permanent.stage(
        `blobs/sha256/${hex(bytes, 'sha256')}`,
        source(),
        options,
      );
      await staged.commit();
    }
  }
  async function run(
    list: string,
    {
      hook = straight,
      from,
      stopping = () => false,
    }: { hook?: Hook; from?: Places; stopping?: () => boolean } = {},
  ): Promise<{ hits: Hit[]; report: HuntReport }> {
    const hits: Hit[] = [];
    const found = async (hit: Hit) => void hits.push(hit);
    async function* source() {
      yield Buffer.from(list);
    }
    const permanent = new HookedBucket(hook, fixture.connection, fixture.sweeper.permanent.name);
    const terms = { budgetMs: 60_000, stopping, from, found };
    return { hits, report: await hunt(permanent, await readIndicators(source(), 1_000), terms) };
  }
  const contents = Array.from({ length: 40 }, () => randomBytes(100));
  const [first = assert.fail(), second = assert.fail()] = contents;

  it('finds contents by SHA-256 and by MD5, and reads no byte', async () => {
    await store(contents);
    const operations: string[] = [];
    const hook: Hook = (operation, _name, work) => {
      operations.push(operation);
      return work();
    };
    const list = [hex(first, 'sha256'), hex(second, 'md5'), hex(randomBytes(9), 'sha256')].join('\n');
    const { hits, report } = await run(list, { hook });
    assert.deepEqual(
      hits.map(({ sha256, size, by }) => ({ sha256, size, by })).sort((a, b) => a.by.localeCompare(b.by)),
      [
        { sha256: hex(second, 'sha256'), size: 100, by: 'md5' },
        { sha256: hex(first, 'sha256'), size: 100, by: 'sha256' },
      ],
    );
    assert.deepEqual([report.hits, report.blobs, report.withoutMd5, report.next], [2, 40, 0, undefined]);
    assert.deepEqual([...new Set(operations)], ['list']);
    assert.equal(report.listings, operations.length);
  });

  it('finds what was accepted although it could not be scanned', async () => {
    await store(contents);
    const { unscanned, permanent } = fixture.sweeper;
    const bytes = randomBytes(50);
    async function* source() {
      yield bytes;
    }
    const id = newFileId(OWNER);
    const staged = await unscanned.stage(id, source(), { contentType: 'application/octet-stream' });
    const object = await staged.commit();
    const sha256 = hex(bytes, 'sha256') as Sha256;
    const content = { sha256, size: object.size, crc32c: object.crc32c };
    assert.equal(await new Blobs(permanent).accept({ bucket: unscanned, object }, id, content), 'accepted');
    for (const kind of ['sha256', 'md5'] as const) {
      const { hits, report } = await run(hex(bytes, kind));
      assert.deepEqual(
        hits.map(({ sha256: found, by }) => [found, by]),
        [[sha256, kind]],
      );
      assert.equal(report.blobs, 41);
    }
  });

  it('says of how many contents nobody knows the MD5', async () => {
    await store([first]);
    const { permanent } = fixture.sweeper;
    const digest = hex(second, 'sha256');
    const options = { contentType: 'application/octet-stream' };
    const composed = await permanent.compose(
      `blobs/sha256/${digest}`,
      [`blobs/sha256/${hex(first, 'sha256')}`],
      options,
    );
    assert.notEqual(typeof composed, 'string');
    const { hits, report } = await run(hex(second, 'md5'));
    assert.deepEqual([hits.length, report.withoutMd5], [0, 1]);
  });

  it('goes on where it was stopped, and finds each once', async () => {
    await store(contents);
    const list = contents.map((bytes) => hex(bytes, 'sha256')).join('\n');
    const found: string[] = [];
    let from: Places | undefined;
    let calls = 0;
    do {
      assert.ok(calls++ < 50);
      let looks = 0;
      const { hits, report } = await run(list, { ...(from && { from }), stopping: () => looks++ > 40 });
      found.push(...hits.map(({ sha256 }) => sha256));
      from = report.next;
    } while (from);
    assert.ok(calls > 1);
    assert.deepEqual(found.sort(), contents.map((bytes) => hex(bytes, 'sha256')).sort());
  });

  it('fails where a hit cannot be dealt with, or a page cannot be listed', async () => {
    await store(contents);
    async function* source() {
      yield Buffer.from(hex(first, 'sha256'));
    }
    const indicators = await readIndicators(source(), 10);
    const terms = { budgetMs: 60_000, stopping: () => false };
    const found = () => Promise.reject(new Error('not now'));
    await assert.rejects(hunt(fixture.sweeper.permanent, indicators, { ...terms, found }), /not now/);
    const hook: Hook = () => Promise.reject(new Error('no listing'));
    await assert.rejects(run(hex(first, 'sha256'), { hook }), /no listing/);
  });

  it('is estimated by one page', async () => {
    await store(contents);
    assert.deepEqual(await estimateHunt(fixture.sweeper.permanent), {
      blobs: 40,
      listings: 16,
      seconds: 1,
      dollars: 0.00008,
    });
    assert.equal((await estimateHunt(fixture.sweeper.unscanned)).blobs, 0);
  });

  it('is estimated by what share of all names a page takes', async () => {
    // As if of a million contents a page had been listed.
    const names = Array.from({ length: 1_000 }, (_, n) =>
      Math.floor((n + 1) * (2 ** 48 / 1e6))
        .toString(16)
        .padStart(12, '0'),
    );
    const listed = async () => ({
      objects: names.map((name) => ({ name: `blobs/sha256/${name.padEnd(64, '0')}` })),
      nextPageToken: 'more',
    });
    const bucket = Object.create(fixture.sweeper.permanent, { list: { value: listed } });
    const { blobs, listings, dollars } = await estimateHunt(bucket);
    assert.ok(Math.abs(blobs - 1e6) < 10, String(blobs));
    assert.equal(listings, 1_000);
    assert.equal(dollars, 0.005);
  });
});
