import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { crc32c } from '@node-rs/crc32';
import { encodeCrc32c } from '../../../shared/storage/crc32c.ts';
import type { Cases } from '../cases.ts';
import type { CallInit, Reply } from './http.ts';
import type { StorageSubject } from './subject.ts';

const MEBIBYTE = 1024 * 1024;

interface Rewrite {
  readonly done: boolean;
  readonly totalBytesRewritten: string;
  readonly objectSize: string;
  readonly rewriteToken?: string;
  readonly resource?: { readonly metadata?: Record<string, string>; readonly [field: string]: unknown };
}

const rewritePath = (subject: StorageSubject, from: string, to: string, query = ''): string =>
  `${subject.path(from)}/rewriteTo${subject.otherPath(to).replace('/storage/v1', '')}?${query}`;

async function rewrite(
  subject: StorageSubject,
  [from, to]: readonly [string, string],
  query = '',
  init: CallInit = {},
): Promise<Rewrite> {
  const reply: Reply = await subject.call('POST', rewritePath(subject, from, to, query), init);
  assert.equal(reply.status, 200, reply.text);
  return JSON.parse(reply.text);
}

async function withMetadata(
  subject: StorageSubject,
  name: string,
  bytes: Buffer<ArrayBuffer>,
): Promise<void> {
  await subject.put(name, bytes);
  const json = { metadata: { a: 'b' }, contentType: 'image/gif' };
  (await subject.call('PATCH', subject.path(name), { json })).ok();
}

/**
 * https://cloud.google.com/storage/docs/json_api/v1/objects/rewrite and
 * https://cloud.google.com/storage/docs/json_api/v1/objects/compose
 */
export function transfers(cases: Cases<StorageSubject>): void {
  for (const body of ['', 'null', '{}', '{"preconditionOpts":{}}']) {
    cases(`rewrite: copies bytes and metadata when the body is '${body}'`, async (subject) => {
      const bytes = randomBytes(10_000);
      const [from, to] = [`source ${body}`, `to/${body}`];
      await withMetadata(subject, from, bytes);
      const headers = { 'content-type': 'application/json' };
      const result = await rewrite(subject, [from, to], '', { body, headers });
      assert.deepEqual(
        [result.done, result.objectSize, result.totalBytesRewritten],
        [true, '10000', '10000'],
      );
      assert.equal(result.resource?.metadata?.['a'], 'b');
      assert.equal(result.resource?.['contentType'], 'image/gif');
      assert.equal(result.resource?.['metageneration'], '1');
      const media = await subject.call('GET', `${subject.otherPath(to)}?alt=media`);
      assert.deepEqual(media.bytes, bytes);
    });
  }

  cases('rewrite: keeps the copy when its source goes', async (subject) => {
    await subject.put('leaving', 'bytes');
    await rewrite(subject, ['leaving', 'stays']);
    await subject.call('DELETE', subject.path('leaving'));
    assert.equal((await subject.call('GET', `${subject.otherPath('stays')}?alt=media`)).text, 'bytes');
  });

  cases('rewrite: takes the metadata of the body', async (subject) => {
    await withMetadata(subject, 'override', randomBytes(10));
    const json = { metadata: { c: 'd' }, contentType: 'text/css' };
    const { resource } = await rewrite(subject, ['override', 'overridden'], '', { json });
    assert.equal(resource?.metadata?.['c'], 'd');
    assert.equal(resource?.['contentType'], 'text/css');
  });

  cases('rewrite: drops the metadata of the source when the body has metadata', async (subject) => {
    await withMetadata(subject, 'dropped', randomBytes(10));
    const json = { metadata: { c: 'd' } };
    const { resource } = await rewrite(subject, ['dropped', 'replaced'], '', { json });
    assert.equal(resource?.metadata?.['a'], undefined);
  });

  cases('rewrite: goes on with its token until it is done', async (subject) => {
    await subject.put('steps', Buffer.alloc(2 * MEBIBYTE + 1));
    const query = `maxBytesRewrittenPerCall=${MEBIBYTE}`;
    let step = await rewrite(subject, ['steps', 'stepped'], query);
    const progress = [step.totalBytesRewritten];
    while (!step.done) {
      step = await rewrite(subject, ['steps', 'stepped'], `${query}&rewriteToken=${step.rewriteToken}`);
      progress.push(step.totalBytesRewritten);
    }
    assert.equal(progress.at(-1), '2097153');
    assert.equal(step.resource?.['size'], '2097153');
  });

  cases('rewrite: refuses the token of another rewrite', async (subject) => {
    await subject.put('mixed', Buffer.alloc(2 * MEBIBYTE + 1));
    const query = `maxBytesRewrittenPerCall=${MEBIBYTE}`;
    const { rewriteToken } = await rewrite(subject, ['mixed', 'first'], query);
    const other = rewritePath(subject, 'mixed', 'elsewhere', `${query}&rewriteToken=${rewriteToken}`);
    assert.equal((await subject.call('POST', other)).status, 400);
  });

  cases('rewrite: refuses steps that are no multiple of 1 MiB', async (subject) => {
    await subject.put('uneven-steps', 'x');
    const path = rewritePath(subject, 'uneven-steps', 'x', 'maxBytesRewrittenPerCall=7');
    assert.equal((await subject.call('POST', path)).status, 400);
  });

  cases('rewrite: checks the preconditions of source and destination', async (subject) => {
    const { generation } = await subject.put('pinned-source', 'x');
    for (const [query, status] of [
      ['ifSourceGenerationMatch=1', 412],
      ['ifSourceMetagenerationMatch=2', 412],
      ['sourceGeneration=1', 404],
      [`sourceGeneration=${generation}&ifSourceGenerationMatch=${generation}&ifGenerationMatch=0`, 200],
      ['ifGenerationMatch=0', 412],
    ] as const) {
      const path = rewritePath(subject, 'pinned-source', 'pin', query);
      assert.equal((await subject.call('POST', path)).status, status, query);
    }
    assert.equal((await subject.call('POST', rewritePath(subject, 'missing', 'x'))).status, 404);
  });

  cases('copy: copies in one call', async (subject) => {
    await subject.put('copied', 'x');
    const path = `${subject.path('copied')}/copyTo${subject.otherPath('copy').replace('/storage/v1', '')}`;
    const copy = (await subject.call('POST', path, { json: { metadata: { a: '1' } } })).ok();
    assert.equal(copy.bucket, subject.otherName);
    assert.equal((await subject.call('POST', `${path}?ifGenerationMatch=0`)).status, 412);
  });

  cases('compose: makes an object of parts, an empty one among them', async (subject) => {
    const parts = [randomBytes(700_000), Buffer.alloc(0), randomBytes(5)];
    for (const [at, part] of parts.entries()) await subject.put(`part${at}`, part);
    const sourceObjects = parts.map((_, at) => ({ name: subject.name(`part${at}`) }));
    const json = { sourceObjects, destination: { contentType: 'text/plain' } };
    const composed = (await subject.call('POST', `${subject.path('composed')}/compose`, { json })).ok();
    const whole = Buffer.concat(parts);
    assert.equal(composed['crc32c'], encodeCrc32c(crc32c(whole)));
    assert.equal(composed['contentType'], 'text/plain');
    assert.deepEqual((await subject.media('composed')).bytes, whole);
  });

  cases('compose: has no MD5, and counts its components', async (subject) => {
    await subject.put('component', 'x');
    const json = {
      sourceObjects: [{ name: subject.name('component') }, { name: subject.name('component') }],
    };
    const composed = (await subject.call('POST', `${subject.path('counted')}/compose`, { json })).ok();
    assert.equal(composed['md5Hash'], undefined);
    assert.equal(composed['componentCount'], 2);
  });

  cases('compose: refuses a stale generation of a source', async (subject) => {
    await subject.put('stale', 'x');
    const source = { name: subject.name('stale'), objectPreconditions: { ifGenerationMatch: '1' } };
    const json = { sourceObjects: [source] };
    assert.equal((await subject.call('POST', `${subject.path('x')}/compose`, { json })).status, 412);
  });

  cases('compose: refuses no sources, and more than 32', async (subject) => {
    await subject.put('one-of-many', 'x');
    const many = Array.from({ length: 33 }, () => ({ name: subject.name('one-of-many') }));
    for (const json of [{}, { sourceObjects: many }]) {
      assert.equal((await subject.call('POST', `${subject.path('x')}/compose`, { json })).status, 400);
    }
  });
}
