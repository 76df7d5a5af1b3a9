import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStorageEmulator } from '../../../../../infra/emulators/storage/src/emulator.ts';
import { UNHURRIED } from '../../../../shared/storage/streams.ts';
import { BUCKET, EmulatorFixture, objectPath } from '../emulator-fixture.ts';
import { EmulatorProcess } from '../emulator-process.ts';
import { Subscriber } from '../subscriber.ts';

const KIB256 = 256 * 1024;

describe('storage emulator: durability', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'storage-durability-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('loses nothing that it acknowledged, and shows nothing half, after kill -9', async () => {
    const subscriber = new Subscriber();
    subscriber.verdict = () => 503;
    const notify = `NOTIFY=${BUCKET}=${await subscriber.url()}`;
    const args = [`FOLDER=${folder}`, 'PORT=0', `BUCKETS=${BUCKET}`, notify];
    const first = new EmulatorProcess(...args);
    const url = await first.ready;
    const uploadUrl = `${url}/upload/storage/v1/b/${BUCKET}/o`;

    const started = await fetch(`${uploadUrl}?uploadType=resumable&name=session`, { method: 'POST' });
    const session = new URL(String(started.headers.get('location')));
    const range = `bytes 0-${KIB256 - 1}/${KIB256 + 1}`;
    await fetch(session, { method: 'PUT', headers: { 'content-range': range }, body: Buffer.alloc(KIB256) });

    const acknowledged = new Map<string, string>();
    const digestOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    const write = async (lane: number): Promise<void> => {
      for (let number = 0; ; number += 1) {
        const bytes = randomBytes((number % 3) * 400_000);
        const name = `${lane}/${number}/${digestOf(bytes)}`;
        const response = await fetch(`${uploadUrl}?uploadType=media&name=${encodeURIComponent(name)}`, {
          method: 'POST',
          body: bytes,
        });
        if (response.ok) acknowledged.set(name, digestOf(bytes));
        if (acknowledged.size === 60) await first.kill('SIGKILL');
      }
    };
    await Promise.allSettled([0, 1, 2, 3].map(write));
    assert.ok(acknowledged.size >= 60);

    subscriber.verdict = () => 204;
    const second = new EmulatorProcess(...args);
    const newUrl = await second.ready;
    const listing = await fetch(`${newUrl}/storage/v1/b/${BUCKET}/o`);
    const { items }: { items: { name: string }[] } = JSON.parse(await listing.text());
    const present = new Set(items.map(({ name }) => name));
    for (const name of acknowledged.keys()) assert.ok(present.has(name), `${name} was acknowledged`);
    for (const name of present) {
      const media = await fetch(`${newUrl}${objectPath(name)}?alt=media`);
      const digest = digestOf(Buffer.from(await media.arrayBuffer()));
      assert.equal(digest, name.split('/')[2], `${name} is whole`);
    }
    session.host = new URL(newUrl).host;
    const status = await fetch(session, { method: 'PUT', headers: { 'content-range': 'bytes */*' } });
    assert.equal(status.headers.get('range'), `bytes=0-${KIB256 - 1}`);
    const last = { 'content-range': `bytes ${KIB256}-${KIB256}/${KIB256 + 1}` };
    assert.equal((await fetch(session, { method: 'PUT', headers: last, body: 'x' })).status, 200);

    const delivered = () => new Set(subscriber.deliveries.map(({ headers }) => headers['ce-subject']));
    while (delivered().size < present.size + 1) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal((await second.kill('SIGTERM')).code, 0);
    await subscriber.close();
  });

  it('removes data files that no object needs: of cut uploads, overwrites and deletions', async () => {
    const emulator = await startStorageEmulator({ folder, buckets: [BUCKET], mutationLimit: UNHURRIED });
    const put = (name: string, size: number) => {
      const path = `${emulator.url}/upload/storage/v1/b/${BUCKET}/o?uploadType=media&name=${name}`;
      return fetch(path, { method: 'POST', body: Buffer.alloc(size) });
    };
    for (const name of ['a', 'a', 'b', 'c']) assert.equal((await put(name, 100_000)).status, 200);
    await fetch(`${emulator.url}${objectPath('b')}`, { method: 'DELETE' });
    emulator.faults.add({ operation: 'objects.insert', nth: 1, effect: { kind: 'truncate', bytes: 90_000 } });
    await assert.rejects(put('d', 100_000));
    await emulator.stop();
    const contents = join(folder, 'contents');
    assert.equal((await readdir(contents)).length, 2);
    await writeFile(join(contents, 'stray'), 'of a killed upload');
    await (await startStorageEmulator({ folder })).stop();
    assert.equal((await readdir(contents)).length, 2);
  });

  it('packs small contents into one file, and removes it when the last of them is gone', async () => {
    const contents = join(folder, 'contents');
    for (let run = 0; run < 3; run += 1) {
      const emulator = await startStorageEmulator({ folder, buckets: [BUCKET], mutationLimit: UNHURRIED });
      const path = `${emulator.url}/upload/storage/v1/b/${BUCKET}/o?uploadType=media&name=${run}`;
      for (const body of ['overwritten', `run ${run}`]) await fetch(path, { method: 'POST', body });
      for (let earlier = 0; earlier <= run; earlier += 1) {
        const media = await fetch(`${emulator.url}${objectPath(String(earlier))}?alt=media`);
        assert.equal(await media.text(), `run ${earlier}`);
      }
      await emulator.stop();
    }
    assert.deepEqual((await readdir(contents)).sort(), ['pack-1', 'pack-2', 'pack-3']);
    const emulator = await startStorageEmulator({ folder, mutationLimit: UNHURRIED });
    for (const name of ['0', '2']) await fetch(`${emulator.url}${objectPath(name)}`, { method: 'DELETE' });
    await emulator.stop();
    await (await startStorageEmulator({ folder })).stop();
    assert.deepEqual(await readdir(contents), ['pack-2']);
  });

  it('forgets a last line that was written in part, and refuses a journal that is damaged before', async () => {
    const journal = join(folder, 'journal.jsonl');
    await (await startStorageEmulator({ folder, buckets: [BUCKET], mutationLimit: UNHURRIED })).stop();
    await appendFile(journal, '{"bucket":{"name":"ha');
    const emulator = await startStorageEmulator({ folder });
    assert.equal((await fetch(`${emulator.url}/storage/v1/b/${BUCKET}`)).status, 200);
    await emulator.stop();
    await writeFile(journal, `broken\n${await readFile(journal, 'utf8')}`);
    await assert.rejects(startStorageEmulator({ folder }), /journal\.jsonl: line 1 is damaged/);
  });

  it('never gives a generation twice, although the newest object went and the clock went back', async () => {
    const put = async (url: string): Promise<bigint> => {
      const path = `${url}/upload/storage/v1/b/${BUCKET}/o?uploadType=media&name=x`;
      const { generation }: { generation: string } = JSON.parse(
        await (await fetch(path, { method: 'POST' })).text(),
      );
      return BigInt(generation);
    };
    const before = await startStorageEmulator({ folder, buckets: [BUCKET], mutationLimit: UNHURRIED });
    const generation = await put(before.url);
    await fetch(before.url + objectPath('x'), { method: 'DELETE' });
    await before.stop();
    await (await startStorageEmulator({ folder })).stop();
    const after = await startStorageEmulator({ folder, now: () => 0 });
    assert.ok((await put(after.url)) > generation);
    await after.stop();
  });

  it('names the port when it is busy, exits non-zero and touches nothing', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => holder.once('listening', resolve));
    const address = holder.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const { code, stderr } = await new EmulatorProcess(`FOLDER=${folder}`, `PORT=${port}`).exited;
    holder.close();
    assert.equal(code, 1);
    assert.equal(stderr.trim().split('\n').length, 1);
    assert.match(stderr, new RegExp(`port ${port} is in use`));
    assert.deepEqual(await readdir(folder), []);
  });

  it('says which option is wrong', async () => {
    for (const [argument, complaint] of [
      ['PORT=x', /PORT should be/],
      ['NOTIFY=x', /NOTIFY should be/],
      ['TYPO=1', /unknown argument TYPO=1/],
    ] as const) {
      const { code, stderr } = await new EmulatorProcess(`FOLDER=${folder}`, argument).exited;
      assert.equal(code, 1);
      assert.match(stderr, complaint);
    }
  });
});

describe('storage emulator: after a restart', () => {
  const fixture = new EmulatorFixture();
  /** Path without the port, which is another after the restart. */
  const sessionPath = async (query: string, init = {}): Promise<string> => {
    const { pathname, search } = new URL(await fixture.session(query, init));
    return pathname + search;
  };

  it('has every object, its metadata and its place in the listing, and knows ended sessions', async () => {
    await fixture.put('b', 'bytes of b');
    await fixture.put('a', '');
    const { json: patched } = await fixture.call('PATCH', objectPath('b'), {
      json: { metadata: { k: 'v' } },
    });
    const done = await sessionPath('name=done');
    await fixture.call('PUT', done, { body: 'x' });
    const cancelled = await sessionPath('name=cancelled');
    await fixture.call('DELETE', cancelled);
    const open = await sessionPath('name=open&ifGenerationMatch=0', {
      json: { metadata: { kept: 'yes' } },
    });
    const chunk = { body: randomBytes(KIB256), headers: { 'content-range': `bytes 0-${KIB256 - 1}/*` } };
    await fixture.call('PUT', open, chunk);
    // Twice: from the journal as it was written, and as it was shortened at the start.
    for (let round = 0; round < 2; round += 1) {
      await fixture.restart();
      const { etag, md5Hash, metadata } = (await fixture.call('GET', objectPath('b'))).ok();
      assert.equal(etag, patched['etag']);
      assert.equal(md5Hash, patched['md5Hash']);
      assert.deepEqual(metadata, { k: 'v' });
      assert.equal((await fixture.call('GET', `${objectPath('b')}?alt=media`)).text, 'bytes of b');
      const { items }: { items: { name: string }[] } = JSON.parse(
        (await fixture.call('GET', `/storage/v1/b/${BUCKET}/o`)).text,
      );
      assert.deepEqual(
        items.map(({ name }) => name),
        ['a', 'b', 'done'],
      );
      const ask = { headers: { 'content-range': 'bytes */*' } };
      assert.equal((await fixture.call('PUT', done, ask)).ok().name, 'done');
      assert.equal((await fixture.call('PUT', cancelled, ask)).status, 410);
      assert.equal((await fixture.call('PUT', open, ask)).headers.get('range'), `bytes=0-${KIB256 - 1}`);
    }
    const last = { headers: { 'content-range': `bytes */${KIB256}` } };
    assert.deepEqual((await fixture.call('PUT', open, last)).ok()['metadata'], { kept: 'yes' });
  });
});
