import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultRule } from '../../../infra/emulators/storage/src/faults/faults.ts';
import { type FileId, joinedFileId, parseFileId } from '../../../shared/files/file-id.ts';
import { partName } from '../../../shared/files/parts.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import { until } from '../../infra/emulators/storage/emulator-fixture.ts';
import { random, UploadFixture } from './fixture.ts';
import { HOUR, type Instance, patch, type Reply, TusInstances, told } from './tus-fixture.ts';

const OWNER = 'org:889640782' as Principal;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const bytesOf = (size: number) => random(size) as Buffer<ArrayBuffer>;
const idOf = (path: string) => parseFileId(path.replace('/uploads/', '')) ?? assert.fail(path);

describe('a file that is made of partial uploads', () => {
  const fixture = new UploadFixture();
  const instances = new TusInstances(fixture);
  let one: Instance;
  let two: Instance;
  beforeEach(async () => {
    [one, two] = [await instances.start(), await instances.start()];
  });

  /** A partial upload, with so many of its bytes. */
  async function partial(
    bytes: Buffer<ArrayBuffer>,
    { at = one, length = bytes.length } = {},
  ): Promise<string> {
    const headers = { 'upload-concat': 'partial', 'upload-length': String(length) };
    const created = await at.send('POST', '/uploads', headers);
    assert.equal(created.status, 201);
    const path = created.location ?? assert.fail();
    if (bytes.length > 0) assert.equal((await patch(at, path, 0, bytes)).status, 204);
    return path;
  }
  const final = (paths: readonly string[], at = one, headers: Record<string, string> = {}): Promise<Reply> =>
    at.send('POST', '/uploads', { 'upload-concat': `final;${paths.join(' ')}`, ...headers });
  const objects = async (prefix: string) => {
    const { objects: found } = await fixture.appender.unscanned.list({ prefix, maxResults: 1000 });
    return found.map(({ name }) => name);
  };
  const records = async () => {
    const { objects: found } = await fixture.appender.records.list({ prefix: 'files/', maxResults: 1000 });
    return found.map(({ name }) => name.replace('files/', ''));
  };
  async function isRemoved(paths: readonly string[]): Promise<void> {
    for (const path of paths) while ((await objects(`parts/${idOf(path)}`)).length > 0) await delay(5);
  }

  async function isFile(made: Reply, bytes: Buffer): Promise<FileId> {
    assert.deepEqual(told(made), [201, String(bytes.length)]);
    const id = idOf(made.location ?? assert.fail());
    assert.equal(sha256(await fixture.stored(id)), sha256(bytes));
    return id;
  }
  /** No file, no object, and the uploads as they were. */
  async function nothingMade(
    refused: Reply,
    status: number,
    type: string,
    paths: readonly string[],
  ): Promise<void> {
    assert.deepEqual([refused.status, refused.type], [status, type]);
    const ids = paths
      .map((path) => parseFileId(path.replace('/uploads/', '')))
      .filter((id) => id !== undefined);
    const id = joinedFileId(OWNER, ids);
    assert.ok(!(await records()).includes(id));
    assert.deepEqual(await objects(id), []);
    const claims = (await objects('parts/')).filter((name) => name.endsWith('/final'));
    assert.deepEqual(
      claims.filter((name) => paths.some((path) => name.includes(idOf(path)))),
      [],
    );
  }

  it('has their bytes in the order of the request, and nothing else is left', async () => {
    const [a, b, c] = [bytesOf(1000), bytesOf(700_000), bytesOf(1)];
    const paths = [await partial(a), await partial(b, { at: two }), await partial(c)];
    const [first = '', second = '', third = ''] = paths;
    // No file: it has no record.
    assert.deepEqual(
      (await records()).filter((id) => paths.some((path) => idOf(path) === id)),
      [],
    );
    const order = [third, first, `http://any.host${second}/`];
    const made = await final(order, two, {
      'upload-metadata': 'filename YS50eHQ=,filetype dGV4dC9wbGFpbg==',
    });
    const id = await isFile(made, Buffer.concat([c, a, b]));
    const { record } = await fixture.read(id);
    assert.deepEqual([record.fileName, record.contentType, record.owner], ['a.txt', 'text/plain', OWNER]);
    await isRemoved(paths);
    const head = await one.send('HEAD', `/uploads/${id}`);
    assert.deepEqual(told(head), [200, '701001']);
    assert.equal(head.headers.get('upload-concat'), `final;${order.join(' ')}`);
    assert.equal(head.headers.get('upload-length'), head.offset);
    assert.deepEqual(told(await patch(one, `/uploads/${id}`, 701_001, bytesOf(1))), [403, 'upload-final']);
    assert.equal((await one.send('HEAD', first)).status, 404);
  });

  it('is made of any number of them, through a tree, with the digest where one upload has all bytes', async () => {
    const pieces = Array.from({ length: 70 }, () => bytesOf(30));
    const paths = await Promise.all(pieces.map((piece) => partial(piece)));
    const id = await isFile(await final(paths), Buffer.concat(pieces));
    const object = await fixture.appender.unscanned.stat(id);
    assert.equal(object?.metadata['sha256'], undefined);
    await isRemoved([...paths, `/uploads/${id}`]);
    const bytes = bytesOf(500);
    const lone = await isFile(await final([await partial(bytesOf(0)), await partial(bytes)]), bytes);
    assert.equal((await fixture.appender.unscanned.stat(lone))?.metadata['sha256'], sha256(bytes));
    await isFile(await final([await partial(bytesOf(0))]), Buffer.alloc(0));
  });

  it('is told apart from a file while it is sent, and is ended by DELETE', async () => {
    const path = await partial(bytesOf(400), { length: 1000 });
    const head = await two.send('HEAD', path);
    assert.deepEqual(told(head), [200, '400']);
    assert.equal(head.headers.get('upload-concat'), 'partial');
    assert.equal(head.headers.get('upload-length'), '1000');
    assert.equal((await two.send('DELETE', path)).status, 204);
    assert.deepEqual(await objects(`parts/${idOf(path)}`), []);
    for (const at of [one, two]) {
      assert.deepEqual(told(await at.send('HEAD', path)), [404, null]);
      assert.deepEqual(told(await patch(at, path, 400, bytesOf(600))), [404, 'not-found']);
    }
  });

  it('takes a length that was deferred, and parts that several instances wrote', async () => {
    const bytes = bytesOf(1000);
    const created = await one.send('POST', '/uploads', {
      'upload-concat': 'partial',
      'upload-defer-length': '1',
    });
    const path = created.location ?? assert.fail();
    await patch(one, path, 0, bytes.subarray(0, 300));
    await nothingMade(await final([path]), 409, 'partial-incomplete', [path]);
    assert.deepEqual(told(await patch(two, path, 300, bytes.subarray(300), { 'upload-length': '1000' })), [
      204,
      '1000',
    ]);
    await isFile(await final([path]), bytes);
  });

  it('is refused where one of them is unfinished, missing, of another owner, or expired', async () => {
    const whole = await partial(bytesOf(100));
    const half = await partial(bytesOf(10), { length: 100 });
    await nothingMade(await final([whole, half]), 409, 'partial-incomplete', [whole, half]);
    const gone = await partial(bytesOf(10));
    await one.send('DELETE', gone);
    await nothingMade(await final([whole, gone]), 404, 'not-found', [whole, gone]);
    await nothingMade(await final([whole, '/uploads/nobody']), 404, 'not-found', [whole]);
    const other = await instances.start({ owner: 'org:999999999' as Principal });
    const theirs = await partial(bytesOf(10), { at: other });
    const refused = await final([whole, theirs]);
    await nothingMade(refused, 404, 'not-found', [whole, theirs]);
    // The very answer that there would be without it.
    assert.equal(
      refused.headers.get('content-length'),
      (await final([whole, gone])).headers.get('content-length'),
    );
    assert.equal((await one.send('HEAD', theirs)).status, 404);
    // An upload that is not partial is a file, and not taken for a part of another.
    const { location } = await one.send('POST', '/uploads', { 'upload-length': '0' });
    await nothingMade(await final([whole, location ?? '']), 404, 'not-found', [whole]);
    instances.lateMs = 25 * HOUR;
    await nothingMade(await final([whole]), 410, 'file-expired', [whole]);
    assert.equal((await one.send('HEAD', whole)).status, 410);
  });

  it('is refused where the request is not one, and where all of them are more than a file may have', async () => {
    const whole = await partial(bytesOf(100));
    for (const concat of ['final', 'final;', 'parts', `final;${whole} ${whole}`, `final;${whole} ${whole}/`])
      assert.deepEqual(told(await one.send('POST', '/uploads', { 'upload-concat': concat })), [
        400,
        'invalid-request',
      ]);
    await nothingMade(await final([whole], one, { 'upload-length': '100' }), 400, 'invalid-request', [whole]);
    const small = await instances.start({ terms: { maxBytes: 150 } });
    const more = await partial(bytesOf(60));
    await nothingMade(await final([whole, more], small), 413, 'too-large', [whole, more]);
    assert.deepEqual(
      told(await small.send('POST', '/uploads', { 'upload-concat': 'partial', 'upload-length': '151' })),
      [413, 'too-large'],
    );
    const media = { allowed: [], denied: [], sniff: true };
    const strict = await instances.start({ terms: { media } });
    // The first bytes are in several uploads.
    const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
    const pieces = [await partial(png.subarray(0, 5)), await partial(png.subarray(5))];
    const pdf = { 'upload-metadata': `filetype ${Buffer.from('application/pdf').toString('base64')}` };
    await nothingMade(await final(pieces, strict, pdf), 415, 'media-type-mismatch', pieces);
    const image = { 'upload-metadata': `filetype ${Buffer.from('image/png').toString('base64')}` };
    await isFile(await final(pieces, strict, image), png);
  });

  it('has each of them alone: another combination is refused, the same one is the same file', async () => {
    const [a, b, c] = [bytesOf(10), bytesOf(20), bytesOf(30)];
    const [pa, pb, pc] = [await partial(a), await partial(b), await partial(c)];
    // The object cannot be made yet: the uploads are claimed and still there.
    fixture.storage.emulator.faults.add({
      operation: 'objects.compose',
      effect: { kind: 'error', status: 403 },
    });
    assert.equal((await final([pa, pb])).status, 500);
    fixture.storage.emulator.faults.clear();
    assert.deepEqual(told(await final([pb, pa], two)), [409, 'partial-combined']);
    assert.deepEqual(told(await final([pc, pb], two)), [409, 'partial-combined']);
    assert.deepEqual(told(await two.send('DELETE', pa)), [409, 'partial-combined']);
    const uncomposed = joinedFileId(OWNER, [idOf(pa), idOf(pb)]);
    const head = await two.send('HEAD', `/uploads/${uncomposed}`);
    assert.deepEqual([head.status, head.offset, head.headers.get('upload-length')], [200, null, '30']);
    const id = await isFile(await final([pa, pb], two), Buffer.concat([a, b]));
    assert.equal(id, uncomposed);
    await isRemoved([pa, pb]);
    assert.deepEqual(told(await final([pc, pb], two)), [404, 'not-found']);
    await nothingMade(await final([pc, pb], two), 404, 'not-found', [pc]);
    assert.equal(await isFile(await final([pa, pb]), Buffer.concat([a, b])), id);
    await isFile(await final([pc]), c);
  });

  it('is one file where two requests combine differently at the same time, or none', async () => {
    for (let round = 0; round < 5; round++) {
      const [pa, pb, pc] = [
        await partial(bytesOf(10)),
        await partial(bytesOf(20)),
        await partial(bytesOf(5)),
      ];
      const answers = await Promise.all([final([pa, pb, pc], one), final([pc, pb], two), final([pb], two)]);
      const made = answers.filter(({ status }) => status === 201);
      assert.ok(made.length <= 1, String(answers.map(told)));
      for (const { status } of answers) assert.ok([201, 404, 409].includes(status), String(status));
    }
  });

  it('is the same file by two requests at the same time', async () => {
    const [a, b] = [bytesOf(10), bytesOf(20)];
    const paths = [await partial(a), await partial(b)];
    const answers = await Promise.all([final(paths, one), final(paths, two), final(paths, one)]);
    const ids = await Promise.all(answers.map((made) => isFile(made, Buffer.concat([a, b]))));
    assert.equal(new Set(ids).size, 1);
  });

  it('is given up where an upload is lost before the object is made', async () => {
    const [pa, pb] = [await partial(bytesOf(10)), await partial(bytesOf(20))];
    const struck = fixture.storage.emulator.faults.add({
      operation: 'objects.compose',
      nth: 1,
      effect: { kind: 'delay', ms: 500 },
    });
    const answer = final([pa, pb]);
    await until(() => struck() > 0);
    const { unscanned } = fixture.appender;
    const part = (await unscanned.stat(partName(idOf(pb), 0))) ?? assert.fail();
    await unscanned.delete(part.name, part);
    assert.deepEqual(told(await answer), [410, 'file-expired']);
    const id = joinedFileId(OWNER, [idOf(pa), idOf(pb)]);
    assert.deepEqual(await objects(id), []);
    assert.equal((await fixture.read(id)).record.state, 'expired');
  });

  const STEPS: readonly (readonly [string, Omit<FaultRule, 'effect'>])[] = [
    ['claiming the first upload', { operation: 'objects.insert', bucket: 'unscanned', nth: 1 }],
    ['claiming the second upload', { operation: 'objects.insert', bucket: 'unscanned', nth: 2 }],
    ['writing the record', { operation: 'objects.insert', bucket: 'permanent', nth: 1 }],
    ['composing', { operation: 'objects.compose', nth: 1 }],
    ['reading the record of the object', { operation: 'objects.get', nth: 1 }],
    ['removing the uploads', { operation: 'objects.delete', nth: 1 }],
  ];
  for (const [step, rule] of STEPS) {
    for (const when of ['before', 'after'] as const) {
      it(`is finished by a repeat where a process died at ${step}, ${when} it took effect`, async () => {
        const [a, b] = [bytesOf(10), bytesOf(20)];
        const paths = [await partial(a), await partial(b)];
        const mortal = await instances.start({ attempts: 1 });
        const struck = fixture.storage.emulator.faults.add({ ...rule, effect: { kind: 'reset', when } });
        const lost = await final(paths, mortal);
        if (rule.operation === 'objects.delete') assert.equal(lost.status, 201);
        else assert.ok(lost.status >= 500, String(lost.status));
        await until(() => struck() >= (rule.nth ?? 1));
        fixture.storage.emulator.faults.clear();
        const id = await isFile(await final(paths, two), Buffer.concat([a, b]));
        assert.deepEqual(
          (await records()).filter((known) => known === id),
          [id],
        );
      });
    }
  }
});
