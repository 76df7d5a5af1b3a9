import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { deleteUnlessHeld } from '../../../shared/storage/delete-unless-held.ts';
import { StorageError } from '../../../shared/storage/error.ts';
import type { Generation, Metageneration, StoredObject } from '../../../shared/storage/object.ts';
import { FAST_RETRY } from '../../shared/storage/streams.ts';
import type { Cases } from '../cases.ts';
import { bytesOf, store } from './client-bytes-cases.ts';
import type { StorageSubject } from './subject.ts';

const TEXT = { contentType: 'text/plain' };
const MEBIBYTE = 1024 * 1024;

/** The service's client changes what is stored: versions, metadata, copies, lists, refusals. */
export function clientKeepsVersions(cases: Cases<StorageSubject>): void {
  cases(
    'client: inserts metadata once, patches it by compare-and-swap, and reads it back',
    async (subject) => {
      const name = subject.fresh();
      const metadata = { state: 'pending', Ünï: 'çødé €' };
      const inserted = await subject.bucket.insertEmpty(name, { ...TEXT, metadata });
      assert.ok(inserted);
      assert.deepEqual(withoutNotes(inserted), metadata);
      const patched = await subject.bucket.patch(name, inserted, { state: 'clean', Ünï: null });
      assert.ok(patched);
      assert.deepEqual(withoutNotes(patched), { state: 'clean' });
      assert.equal(await subject.bucket.patch(name, inserted, { state: 'infected' }), undefined);
      const current = await subject.bucket.stat(name);
      assert.ok(current);
      assert.deepEqual(withoutNotes(current), { state: 'clean' });
    },
  );

  cases('client: has one winner among many writers of a version', async (subject) => {
    const name = subject.fresh();
    const inserted = await subject.bucket.insertEmpty(name, TEXT);
    assert.ok(inserted);
    const writers = Array.from({ length: 10 }, (_, i) =>
      subject.bucket.patch(name, inserted, { by: String(i) }),
    );
    const won = (await Promise.all(writers)).filter((result) => result !== undefined);
    assert.equal(won.length, 1);
    assert.deepEqual((await subject.bucket.stat(name))?.metadata, won[0]?.metadata);
  });

  cases('client: finds nothing where there is no object', async (subject) => {
    const name = subject.fresh();
    assert.equal(await subject.bucket.stat(name), undefined);
    const version = { generation: '1' as Generation, metageneration: '1' as Metageneration };
    assert.equal(await subject.bucket.patch(name, version, { a: 'b' }), undefined);
    assert.equal(await subject.bucket.delete(name, version), true);
  });

  cases('client: rewrites one generation to a name that must not exist', async (subject) => {
    const source = await store(subject, randomBytes(5000));
    const target = { bucket: subject.other, name: subject.fresh(), contentType: 'application/x' };
    const copy = await subject.bucket.rewrite(source, { ...target, metadata: { k: 'v' } });
    assert.ok(typeof copy === 'object');
    assert.deepEqual([copy.crc32c, copy.size, copy.contentType], [source.crc32c, 5000, 'application/x']);
    assert.deepEqual(withoutNotes(copy), { k: 'v' });
    assert.equal(await subject.bucket.rewrite(source, target), 'targetExists');
  });

  cases('client: rewrites what takes several calls', async (subject) => {
    const source = await store(subject, randomBytes(3 * MEBIBYTE));
    const target = { bucket: subject.other, name: subject.fresh(), ...TEXT };
    const copy = await subject.bucket.rewrite(source, target);
    assert.ok(typeof copy === 'object');
    assert.deepEqual([copy.crc32c, copy.size], [source.crc32c, source.size]);
  });

  cases('client: finds the source of a rewrite gone', async (subject) => {
    const source = await store(subject, Buffer.from('x'));
    await subject.bucket.delete(source.name, source);
    const target = { bucket: subject.other, name: subject.fresh(), ...TEXT };
    assert.equal(await subject.bucket.rewrite(source, target), 'sourceGone');
  });

  cases('client: composes parts to a name that must not exist', async (subject) => {
    const parts = [randomBytes(70_000), randomBytes(5), randomBytes(300_000)];
    const sources: string[] = [];
    for (const part of parts) sources.push((await store(subject, part)).name);
    const name = subject.fresh();
    const composed = await subject.bucket.compose(name, sources, { ...TEXT, metadata: { k: 'v' } });
    assert.ok(typeof composed === 'object');
    assert.deepEqual(withoutNotes(composed), { k: 'v' });
    assert.ok((await bytesOf(subject, composed)).equals(Buffer.concat(parts)));
    assert.equal(await subject.bucket.compose(name, sources, TEXT), 'targetExists');
    assert.equal(await subject.bucket.compose(subject.fresh(), [subject.fresh()], TEXT), 'sourceGone');
  });

  cases('client: deletes one generation, and is content where it is gone', async (subject) => {
    const object = await store(subject, Buffer.from('x'));
    assert.equal(await subject.bucket.delete(object.name, object), true);
    assert.equal(await subject.bucket.delete(object.name, object), true);
    assert.equal(await subject.bucket.stat(object.name), undefined);
  });

  cases('client: leaves what was patched meanwhile', async (subject) => {
    const object = await store(subject, Buffer.from('x'));
    await subject.bucket.patch(object.name, object, { used: 'again' });
    assert.equal(await subject.bucket.delete(object.name, object), false);
    assert.ok(await subject.bucket.stat(object.name));
  });

  cases('client: keeps what is held', async (subject) => {
    const { metageneration: _, ...object } = await store(subject, Buffer.from('x'));
    const path = `/storage/v1/b/${subject.bucketName}/o/${encodeURIComponent(object.name)}`;
    (await subject.call('PATCH', path, { json: { temporaryHold: true } })).ok();
    const held = await subject.bucket.stat(object.name);
    assert.equal(held?.held, true);
    assert.equal(await deleteUnlessHeld(subject.bucket, held), 'kept');
  });

  cases('client: lists all names below a prefix, in order', async (subject) => {
    const names = await insertNames(subject, 'all');
    const page = await subject.bucket.list({ prefix: subject.name('all/'), maxResults: 1000 });
    assert.deepEqual(
      page.objects.map(({ name }) => name),
      names,
    );
    const [, from = '', , to = ''] = names;
    const between = { prefix: subject.name('all/'), startOffset: from, endOffset: to, maxResults: 1000 };
    assert.deepEqual(
      (await subject.bucket.list(between)).objects.map(({ name }) => name),
      names.slice(1, 3),
    );
  });

  cases('client: lists in pages', async (subject) => {
    const names = await insertNames(subject, 'pages');
    const found: string[] = [];
    let pages = 0;
    for (let pageToken: string | undefined; ; ) {
      const page = await subject.bucket.list({ prefix: subject.name('pages/'), maxResults: 5, pageToken });
      found.push(...page.objects.map(({ name }) => name));
      pages++;
      pageToken = page.nextPageToken;
      if (!pageToken) break;
    }
    assert.deepEqual(found, names);
    assert.equal(pages, 3);
  });

  cases('client: reports a bucket that does not exist', async (subject) => {
    const missing = new Bucket(subject.transport, `${subject.bucketName}-missing`, {
      retry: FAST_RETRY,
      paced: true,
    });
    await assert.rejects(
      missing.list({ prefix: '', maxResults: 1 }),
      (error) => error instanceof StorageError && error.status === 404 && !error.transient,
    );
    await assert.rejects(
      missing.insertEmpty('x', TEXT),
      (error) => error instanceof StorageError && error.status === 404,
    );
  });
}

async function insertNames(subject: StorageSubject, folder: string): Promise<string[]> {
  const names = Array.from({ length: 12 }, (_, i) => subject.name(`${folder}/${String(i).padStart(3, '0')}`));
  await Promise.all(names.map((name) => subject.bucket.insertEmpty(name, TEXT)));
  return names;
}

/** Custom metadata without the notes that Google's storage-testbench adds for tests of client libraries. */
function withoutNotes({ metadata }: StoredObject): Record<string, string> {
  const entries = Object.entries(metadata);
  return Object.fromEntries(entries.filter(([key]) => !/^x_(emulator|testbench)_/.test(key)));
}
