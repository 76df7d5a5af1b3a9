import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import type { Generation } from '../../../shared/storage/object.ts';
import { BUCKET, EmulatorFixture } from '../../infra/emulators/storage/emulator-fixture.ts';
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

  it('waits for longer than the second in which a name takes one write: timers fire early', async () => {
    const pauses: number[] = [];
    const pause = async (ms: number) => void pauses.push(ms);
    const paced = new Bucket(connectStorage(fixture.url), BUCKET, {
      retry: { ...FAST_RETRY, pause },
      paced: true,
    });
    // By a clock that is ahead of ours, so that the wait is as long as waits are.
    const version = { generation: '1' as Generation, updated: new Date(Date.now() + 3_600_000) };
    assert.equal(await paced.delete('absent', version), true);
    assert.equal(pauses.length, 1);
    assert.ok((pauses[0] ?? 0) > 1_001, `${pauses}`);
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
