import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { crc32c } from '@node-rs/crc32';
import { BUCKET, EmulatorFixture, objectPath } from '../emulator-fixture.ts';

const OTHER = 'permanent';

describe('storage emulator: copy, rewrite and compose', () => {
  const fixture = new EmulatorFixture({ buckets: [BUCKET, OTHER] });
  const post = (path: string, init = {}) => fixture.call('POST', path, init);

  it('keeps the copy when its source goes', async () => {
    await fixture.put('leaving', 'bytes');
    const { status } = await post(`${objectPath('leaving')}/rewriteTo/b/${OTHER}/o/stays`);
    assert.equal(status, 200);
    await fixture.call('DELETE', objectPath('leaving'));
    await fixture.restart();
    assert.equal((await fixture.call('GET', `${objectPath('stays', OTHER)}?alt=media`)).text, 'bytes');
  });

  it('composes what was composed, and keeps it when all of its parts go, over a restart', async () => {
    const parts = [70_000, 300_000, 1, 2_000_000].map((size) => randomBytes(size));
    const compose = async (name: string, sources: readonly string[]) =>
      (
        await post(`${objectPath(name)}/compose`, {
          json: { sourceObjects: sources.map((source) => ({ name: source })) },
        })
      ).ok();
    for (const [at, part] of parts.entries()) await fixture.put(`p${at}`, part);
    await compose('front', ['p0', 'p1']);
    await compose('whole', ['front', 'p2', 'p3', 'p2']);
    for (const name of ['front', 'p0', 'p1', 'p2', 'p3']) await fixture.call('DELETE', objectPath(name));
    await fixture.restart();
    const whole = Buffer.concat([...parts, ...parts.slice(2, 3)]);
    const read = async (range?: string) => {
      const headers = range === undefined ? {} : { range: `bytes=${range}` };
      return (await fixture.call('GET', `${objectPath('whole')}?alt=media`, { headers })).bytes;
    };
    assert.deepEqual(await read(), whole);
    for (const [first, last] of [
      [0, 0],
      [69_999, 70_000],
      [60_000, 370_001],
      [370_000, 370_000],
      [1_000_000, 1_999_999],
      [2_370_000, 2_370_001],
    ] as const) {
      assert.deepEqual(await read(`${first}-${last}`), whole.subarray(first, last + 1), `${first}`);
    }
    const crc = Buffer.alloc(4);
    crc.writeUInt32BE(crc32c(whole));
    assert.equal((await fixture.call('GET', objectPath('whole'))).ok()['crc32c'], crc.toString('base64'));
  });
});
