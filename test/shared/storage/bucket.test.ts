import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import { BUCKET, EmulatorFixture } from '../../infra/local/storage/emulator-fixture.ts';
import { CHUNK, FAST_RETRY, piecesOf } from './streams.ts';

/** Cases that need an emulator that counts and stalls; the rest is in test/contract. */
describe('a bucket over HTTP', () => {
  const fixture = new EmulatorFixture();
  let bucket: Bucket;
  before(() => {
    const options = { retry: FAST_RETRY, paced: true, timeoutMs: 2_000, chunkBytes: CHUNK };
    bucket = new Bucket(connectStorage(fixture.url), BUCKET, options);
  });
  afterEach(() => fixture.emulator.faults.clear());

  it('cancels the session of a source that throws', async () => {
    async function* broken() {
      yield randomBytes(3 * CHUNK);
      throw new Error('cut');
    }
    await assert.rejects(bucket.stage('broken', broken(), { contentType: 'text/plain' }), /cut/);
    assert.equal(await bucket.stat('broken'), undefined);
    assert.equal(fixture.emulator.operations.of('resumable.cancel').calls, 1);
  });

  it('stops reading on abort', async () => {
    const staged = await bucket.stage('abort', piecesOf(randomBytes(3 * CHUNK)), {
      contentType: 'text/plain',
    });
    const { generation } = await staged.commit();
    fixture.emulator.faults.add({ operation: 'objects.getMedia', effect: { kind: 'stall' } });
    const stop = new AbortController();
    const reading = bucket.read('abort', { generation, range: { start: 0, end: 10 }, signal: stop.signal });
    setImmediate(() => stop.abort());
    await assert.rejects(reading);
  });
});
