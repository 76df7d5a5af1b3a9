import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { FaultRule } from '../../../infra/emulators/storage/src/faults/faults.ts';
import { type FileId, parseFileId } from '../../../shared/files/file-id.ts';
import { until } from '../../infra/emulators/storage/emulator-fixture.ts';
import { random, UploadFixture } from './fixture.ts';
import { type Instance, patch, TusInstances, told } from './tus-fixture.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const bytesOf = (size: number) => random(size) as Buffer<ArrayBuffer>;

describe('requests of one tus upload that race', () => {
  const fixture = new UploadFixture();
  const instances = new TusInstances(fixture);
  let one: Instance;
  let two: Instance;
  beforeEach(async () => {
    // A segment is stored only when its test ends the body.
    const silence = { storeMs: 60_000, lookMs: 60_000, endMs: 100 };
    [one, two] = [await instances.start({ silence }), await instances.start({ silence })];
  });

  async function create(length: number): Promise<{ path: string; id: FileId }> {
    const { status, location } = await one.send('POST', '/uploads', { 'upload-length': String(length) });
    assert.equal(status, 201);
    const id = parseFileId(location?.replace('/uploads/', '') ?? '') ?? assert.fail();
    return { path: `/uploads/${id}`, id };
  }
  const fault = (rule: FaultRule) => fixture.storage.emulator.faults.add(rule);

  /** Begins a PATCH at offset 0 whose body is to come. Resolves once the instance waits for it. */
  async function silent(at: Instance, path: string) {
    const { calls } = fixture.storage.emulator.operations.of('objects.get');
    const headers = {
      authorization: 'Bearer x',
      'tus-resumable': '1.0.0',
      'content-type': 'application/offset+octet-stream',
      'upload-offset': '0',
    };
    const sending = request(at.url + path, { method: 'PATCH', headers });
    const answer = (async () => {
      const [response] = (await once(sending, 'response')) as [IncomingMessage];
      const body = await text(response);
      const type = body && String(JSON.parse(body).type).split('/').at(-1);
      return { status: response.statusCode, headers: response.headers, type };
    })();
    sending.flushHeaders();
    // The record is read beside the body.
    await until(() => fixture.storage.emulator.operations.of('objects.get').calls > calls);
    return { answer, end: (bytes: Buffer) => sending.end(bytes) };
  }

  it('answer 423 to the one that its successor ends before a byte of it is stored', async () => {
    const bytes = bytesOf(1000);
    const { path, id } = await create(bytes.length);
    const first = await silent(one, path);
    const second = await silent(one, path);
    const { status, type, headers } = await first.answer;
    assert.deepEqual([status, type], [423, 'upload-locked']);
    assert.deepEqual([headers['retry-after'], headers['upload-offset']], ['1', '0']);
    second.end(bytes);
    const ended = await second.answer;
    assert.deepEqual([ended.status, ended.headers['upload-offset']], [204, '1000']);
    assert.equal(sha256(await fixture.stored(id)), sha256(bytes));
  });

  it('answer 409 to the one that its successor in another instance outran', async () => {
    const bytes = bytesOf(1000);
    const { path, id } = await create(bytes.length);
    const first = await silent(one, path);
    assert.deepEqual(told(await patch(two, path, 0, bytes.subarray(0, 600))), [204, '600']);
    first.end(bytes);
    const { status, type, headers } = await first.answer;
    assert.deepEqual([status, type, headers['upload-offset']], [409, 'upload-offset', '600']);
    assert.deepEqual(told(await patch(one, path, 600, bytes.subarray(600))), [204, '1000']);
    assert.equal(sha256(await fixture.stored(id)), sha256(bytes));
  });

  for (const where of ['in one instance', 'in two']) {
    it(`let one win and refuse the other with a 4xx, ${where}`, async () => {
      for (let round = 0; round < 10; round++) {
        const contents = [bytesOf(1000), bytesOf(1000)] as const;
        const { path, id } = await create(1000);
        const answers = await Promise.all([
          patch(one, path, 0, contents[0]),
          patch(where === 'in two' ? two : one, path, 0, contents[1]),
        ]);
        const winner = answers.findIndex(({ status }) => status === 204);
        const lost = answers[1 - winner] ?? assert.fail();
        assert.ok([409, 423].includes(lost.status), JSON.stringify(answers));
        assert.equal(sha256(await fixture.stored(id)), sha256(contents[winner] ?? assert.fail()));
      }
    });
  }

  it('answer 423 where the name of a part is taken and the offset has not changed', async () => {
    const bytes = bytesOf(1000);
    const { path } = await create(bytes.length);
    fault({ operation: 'objects.insert', namePrefix: 'parts/', effect: { kind: 'error', status: 412 } });
    assert.deepEqual(told(await patch(two, path, 0, bytes)), [423, 'upload-locked']);
    fixture.storage.emulator.faults.clear();
    assert.deepEqual(told(await patch(two, path, 0, bytes)), [204, '1000']);
  });

  it('answer 503 where Cloud Storage refuses a part for too long and nobody else wrote one', async () => {
    const bytes = bytesOf(1000);
    const { path } = await create(bytes.length);
    const effect = { kind: 'error', status: 429, reason: 'rateLimitExceeded' } as const;
    fault({ operation: 'objects.insert', namePrefix: 'parts/', effect });
    assert.deepEqual(told(await patch(two, path, 0, bytes)), [503, 'unavailable']);
    fixture.storage.emulator.faults.clear();
    assert.deepEqual(told(await patch(two, path, 0, bytes)), [204, '1000']);
  });

  it('answer 423 to a DELETE that loses to other writers of the record each time', async () => {
    const { path, id } = await create(1000);
    fault({ operation: 'objects.patch', effect: { kind: 'error', status: 412 } });
    assert.deepEqual(told(await one.send('DELETE', path)), [423, 'upload-locked']);
    assert.equal((await fixture.read(id)).record.state, 'uploading');
    fixture.storage.emulator.faults.clear();
    assert.equal((await one.send('DELETE', path)).status, 204);
    assert.equal((await fixture.read(id)).record.state, 'expired');
  });
});
