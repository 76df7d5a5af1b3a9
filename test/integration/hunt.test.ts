import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { eventually, Service } from '../support/service.ts';

const MANY = 100_000;

describe('a hunt for stored contents', () => {
  const service = new Service();
  type Line = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

  async function hunt(body: string, query = ''): Promise<Line[]> {
    const response = await service.sweeper(`/hunt${query}`, { as: 'operator', body });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
  }
  const digestOf = (bytes: Uint8Array, kind = 'sha256') => createHash(kind).update(bytes).digest('hex');

  it('says what it will take, then finds those that are listed, among 100 000 digests', async () => {
    const contents = Array.from({ length: 3 }, () => randomBytes(1_000));
    for (const bytes of contents) await service.decided((await service.upload(bytes)).id);
    const [first = assert.fail(), second = assert.fail()] = contents;
    const others = Array.from({ length: MANY }, (_, n) => digestOf(Buffer.from(String(n))));
    const list = [...others, digestOf(first), digestOf(second, 'md5'), 'no digest'].join('\n');

    const [planned] = await hunt(list, '?estimate');
    assert.deepEqual(planned?.['indicators'], { sha256: MANY + 1, md5: 1, unsupported: 0, linesWithout: 1 });
    assert.deepEqual(planned?.['estimate'], { blobs: 3, listings: 16, seconds: 1, dollars: 0.00008 });

    await eventually(async () => (await service.names('unscanned')).length === 0);
    await service.resetOperations();
    const lines = await hunt(list);
    const hits = lines.flatMap(({ hit }) => (hit ? [hit] : []));
    assert.deepEqual(hits.map((hit) => `${hit['by']} ${hit['sha256']}`).sort(), [
      `md5 ${digestOf(second)}`,
      `sha256 ${digestOf(first)}`,
    ]);
    assert.deepEqual(lines.at(-1)?.['report']?.['complete'], true);
    const { operations } = await service.operations();
    assert.deepEqual(Object.keys(operations).sort(), ['objects.get', 'objects.list']);
    assert.equal(operations['objects.get']?.calls, 1, 'the owner of the buckets');
  });

  it('refuses a list that names nothing, one of too many, a place that is none, and callers who are no operators', async () => {
    for (const [body, query, detail] of [
      ['', '', /neither a SHA-256 nor an MD5/],
      ['garbage\n'.repeat(1_000), '', /neither a SHA-256 nor an MD5/],
      [digestOf(Buffer.from('a')), '?from=e30x', /not what an earlier report said/],
      [digestOf(Buffer.from('a')), '?from=WzFd', /not what an earlier report said/],
    ] as const) {
      const response = await service.sweeper(`/hunt${query}`, { as: 'operator', body });
      assert.equal(response.status, 400);
      assert.match(((await response.json()) as { detail: string }).detail, detail);
    }
    const refused = await service.sweeper('/hunt', { as: 'schedule', body: digestOf(Buffer.from('a')) });
    assert.equal(refused.status, 403);
    const get = await service.sweeper('/hunt', { as: 'operator', method: 'GET' });
    assert.equal(get.status, 405);
  });

  it('breaks off its answer where a listing fails, so that it is no whole one', async () => {
    await service.fault({ operation: 'objects.list', effect: { kind: 'error', status: 400 } });
    try {
      const response = await service.sweeper('/hunt', { as: 'operator', body: digestOf(Buffer.from('a')) });
      await assert.rejects(response.text());
    } finally {
      await service.clearFaults();
    }
  });

  it('refuses its hits from then on and recalls their files, if it is told why', async () => {
    const bytes = randomBytes(1_000);
    const { id } = await service.upload(bytes);
    await service.decided(id);
    const empty = await service.sweeper('/hunt?condemn=', { as: 'operator', body: digestOf(bytes) });
    assert.equal(empty.status, 400);
    assert.equal((await service.call('GET', `/files/${id}`)).status, 200);
    const reason = encodeURIComponent('a list of the national CERT');
    for (const condemned of [1, 0]) {
      const [, { hit } = {}] = await hunt(digestOf(bytes), `?condemn=${reason}`);
      assert.deepEqual([hit?.['sha256'], hit?.['condemned']], [digestOf(bytes), condemned]);
    }
    assert.equal((await service.call('GET', `/files/${id}`)).status, 410);
    await eventually(async () => {
      assert.equal((await service.sweeper('/sweep')).status, 200);
      return (await service.status(id)).state === 'infected';
    });
  });
});
