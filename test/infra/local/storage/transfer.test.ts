import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { crc32c } from '@node-rs/crc32';
import { BUCKET, EmulatorFixture, objectPath } from './emulator-fixture.ts';

const OTHER = 'permanent';
const MEBIBYTE = 1024 * 1024;

interface Rewrite {
  readonly done: boolean;
  readonly totalBytesRewritten: string;
  readonly objectSize: string;
  readonly rewriteToken?: string;
  readonly resource?: Record<string, unknown>;
}

describe('storage emulator: copy, rewrite and compose', () => {
  const fixture = new EmulatorFixture({ buckets: [BUCKET, OTHER] });
  const post = (path: string, init = {}) => fixture.call('POST', path, init);
  const rewritePath = (from: string, to: string, query = '') =>
    `${objectPath(from)}/rewriteTo/b/${OTHER}/o/${encodeURIComponent(to)}?${query}`;
  const rewrite = async (from: string, to: string, query = '', init = {}): Promise<Rewrite> => {
    const reply = await post(rewritePath(from, to, query), init);
    assert.equal(reply.status, 200, reply.text);
    return JSON.parse(reply.text);
  };

  it('rewrites bytes and metadata, whatever the body says that is no metadata', async () => {
    const bytes = randomBytes(10_000);
    await fixture.put('source', bytes);
    await fixture.call('PATCH', objectPath('source'), {
      json: { metadata: { a: 'b' }, contentType: 'image/gif' },
    });
    const headers = { 'content-type': 'application/json' };
    for (const body of ['', 'null', '{}', '{"unknown":1}']) {
      const { done, objectSize, totalBytesRewritten, resource } = await rewrite('source', 'to/1', '', {
        body,
        headers,
      });
      assert.deepEqual([done, objectSize, totalBytesRewritten], [true, '10000', '10000']);
      assert.deepEqual(resource?.['metadata'], { a: 'b' });
      assert.equal(resource?.['contentType'], 'image/gif');
      assert.equal(resource?.['metageneration'], '1');
    }
    const media = await fixture.call('GET', `${objectPath('to/1', OTHER)}?alt=media`);
    assert.deepEqual(media.bytes, bytes);
  });

  it('keeps the copy when its source goes', async () => {
    await fixture.put('leaving', 'bytes');
    await rewrite('leaving', 'stays');
    await fixture.call('DELETE', objectPath('leaving'));
    await fixture.restart();
    assert.equal((await fixture.call('GET', `${objectPath('stays', OTHER)}?alt=media`)).text, 'bytes');
  });

  it('replaces the metadata by those in the body', async () => {
    await fixture.put('override', 'x');
    await fixture.call('PATCH', objectPath('override'), { json: { metadata: { a: 'b' } } });
    const { resource } = await rewrite('override', 'overridden', '', {
      json: { metadata: { c: 'd' }, contentType: 'text/css' },
    });
    assert.deepEqual(resource?.['metadata'], { c: 'd' });
    assert.equal(resource?.['contentType'], 'text/css');
  });

  it('goes step by step with a token, which holds for no other rewrite', async () => {
    await fixture.put('steps', Buffer.alloc(2 * MEBIBYTE + 1));
    const query = `maxBytesRewrittenPerCall=${MEBIBYTE}`;
    let step = await rewrite('steps', 'stepped', query);
    const progress = [step.totalBytesRewritten];
    const other = rewritePath('steps', 'elsewhere', `${query}&rewriteToken=${step.rewriteToken}`);
    assert.equal((await post(other)).status, 400);
    while (!step.done) {
      step = await rewrite('steps', 'stepped', `${query}&rewriteToken=${step.rewriteToken}`);
      progress.push(step.totalBytesRewritten);
    }
    assert.deepEqual(progress, ['1048576', '2097152', '2097153']);
    assert.equal(step.resource?.['size'], '2097153');
    assert.equal((await post(rewritePath('steps', 'x', 'maxBytesRewrittenPerCall=7'))).status, 400);
  });

  it('holds preconditions of source and destination', async () => {
    const { generation } = await fixture.put('pinned', 'x');
    for (const [query, status] of [
      ['ifSourceGenerationMatch=1', 412],
      ['ifSourceMetagenerationMatch=2', 412],
      ['sourceGeneration=1', 404],
      [`sourceGeneration=${generation}&ifSourceGenerationMatch=${generation}&ifGenerationMatch=0`, 200],
      ['ifGenerationMatch=0', 412],
    ] as const) {
      assert.equal((await post(rewritePath('pinned', 'pin', query))).status, status, query);
    }
    assert.equal((await post(rewritePath('missing', 'x'))).status, 404);
  });

  it('copies in one call', async () => {
    await fixture.put('copied', 'x');
    const path = `${objectPath('copied')}/copyTo/b/${OTHER}/o/copy`;
    assert.equal((await post(path, { json: { metadata: { a: 1 } } })).ok().bucket, OTHER);
    assert.equal((await post(`${path}?ifGenerationMatch=0`)).status, 412);
  });

  it('composes parts into an object with a CRC32C and no MD5', async () => {
    const parts = [randomBytes(700_000), Buffer.alloc(0), randomBytes(5)];
    for (const [at, part] of parts.entries()) await fixture.put(`part${at}`, part);
    const sourceObjects = parts.map((_, at) => ({ name: `part${at}` }));
    const json = { sourceObjects, destination: { contentType: 'text/plain' } };
    const composed = (await post(`${objectPath('composed')}/compose`, { json })).ok();
    const whole = Buffer.concat(parts);
    const crc = Buffer.alloc(4);
    crc.writeUInt32BE(crc32c(whole));
    assert.equal(composed['md5Hash'], undefined);
    assert.equal(composed['crc32c'], crc.toString('base64'));
    assert.equal(composed['componentCount'], 3);
    const media = await fixture.call('GET', `${objectPath('composed')}?alt=media`);
    assert.deepEqual(media.bytes, whole);
    assert.equal(media.headers.get('x-goog-hash'), `crc32c=${composed['crc32c']}`);
    const stale = { sourceObjects: [{ name: 'part0', objectPreconditions: { ifGenerationMatch: '1' } }] };
    assert.equal((await post(`${objectPath('x')}/compose`, { json: stale })).status, 412);
    assert.equal((await post(`${objectPath('x')}/compose`, { json: {} })).status, 400);
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
