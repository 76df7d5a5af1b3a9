import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import { BUCKET, EmulatorFixture } from '../../infra/emulators/storage/emulator-fixture.ts';
import { CHUNK, collect, FAST_RETRY, piecesOf } from './streams.ts';

/** Bytes of sixteen usual chunks, and five. */
const LENGTH = 16 * CHUNK + 5;
const ALL_USUAL = 17;
/** Three usual ones, three of four times their size, and the rest. */
const LONGER = 7;

describe('chunks of a long upload', () => {
  const fixture = new EmulatorFixture();
  let bucket: Bucket;
  before(() => {
    const options = { retry: FAST_RETRY, paced: true, chunkBytes: CHUNK };
    bucket = new Bucket(connectStorage(fixture.url), BUCKET, options);
  });
  afterEach(() => {
    fixture.emulator.faults.clear();
    fixture.emulator.operations.reset();
  });

  const chunksSent = () => fixture.emulator.operations.of('resumable.chunk').calls;
  const stage = (name: string, source: AsyncIterable<Uint8Array>) =>
    bucket.stage(name, source, { contentType: 'application/octet-stream' });
  async function stored(name: string): Promise<Buffer> {
    const { generation, size } = (await bucket.stat(name)) ?? assert.fail('not there');
    const body = await bucket.read(name, { generation, range: { start: 0, end: size - 1 } });
    return collect(body ?? assert.fail('not there'));
  }

  it('are larger, and the object is what was sent', async () => {
    const bytes = randomBytes(LENGTH);
    await (await stage('long', piecesOf(bytes))).commit();
    assert.equal(chunksSent(), LONGER);
    assert.ok((await stored('long')).equals(bytes));
  });

  for (const [which, nth] of [
    ['the first larger one', 4],
    ['the last', LONGER],
  ] as const) {
    it(`are sent again from where they stand: ${which}`, async () => {
      const bytes = randomBytes(LENGTH);
      const name = `cut-${nth}`;
      fixture.emulator.faults.add({
        operation: 'resumable.chunk',
        nth,
        effect: { kind: 'truncate', bytes: CHUNK / 2 },
      });
      await (await stage(name, piecesOf(bytes))).commit();
      assert.ok(chunksSent() > LONGER);
      assert.ok((await stored(name)).equals(bytes));
    });
  }

  it('are the usual ones for a third upload at once, until another is over, well or not', async () => {
    const waiting = [0, 1].map(() => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      async function* slow() {
        yield* piecesOf(randomBytes(LENGTH));
        begun.resolve();
        await promise;
      }
      const begun = Promise.withResolvers<void>();
      return { slow, begun: begun.promise, resolve, reject };
    });
    const [first, second] = waiting;
    assert.ok(first && second);
    const [one, two] = [stage('one', first.slow()), stage('two', second.slow())];
    await Promise.all([first.begun, second.begun]);
    // All but the last chunk of each, which comes with its commit.
    while (chunksSent() < 2 * (LONGER - 1)) await setImmediate();
    fixture.emulator.operations.reset();
    await (await stage('three', piecesOf(randomBytes(LENGTH)))).commit();
    assert.equal(chunksSent(), ALL_USUAL);

    first.reject(new Error('cut'));
    await assert.rejects(one, /cut/);
    fixture.emulator.operations.reset();
    await (await stage('four', piecesOf(randomBytes(LENGTH)))).commit();
    assert.equal(chunksSent(), LONGER);
    second.resolve();
    await (await two).discard();
  });
});
