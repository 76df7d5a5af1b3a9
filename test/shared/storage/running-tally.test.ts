import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { StorageError } from '../../../shared/storage/error.ts';
import { RunningTallies, RunningTally } from '../../../shared/storage/running-tally.ts';
import { ChecksumTally, Tally } from '../../../shared/storage/tally.ts';

describe('running tallies', () => {
  const first = randomBytes(300_001);
  const second = randomBytes(100_002);
  const third = randomBytes(1);
  const all = Buffer.concat([first, second, third]);
  let rereads = 0;

  beforeEach(() => {
    rereads = 0;
  });

  const digestsOf = (bytes: Buffer) => {
    const tally = new Tally();
    tally.update(bytes);
    return tally.digests();
  };
  const again = (...pieces: Buffer[]) =>
    async function* () {
      rereads += 1;
      for (const piece of pieces) yield Buffer.from(piece);
    };
  const add = (tally: RunningTally, ...pieces: Buffer[]): RunningTally => {
    const part = new ChecksumTally();
    for (const piece of pieces) {
      part.update(piece);
      tally.update(piece);
    }
    tally.add(part.digests());
    return tally;
  };
  const never = () => assert.fail('it was read again');
  const broken = (error: Error) =>
    // biome-ignore lint/correctness/useYield: it breaks before
    async function* (): AsyncGenerator<Uint8Array> {
      throw error;
    };

  /** Of a digest that says so of itself. */
  const savedAs = (state: string, size: number) =>
    new RunningTally({ update: never, digest: never, save: () => state }, 0, size).save();

  async function saved(tallies: RunningTallies, ...pieces: Buffer[]): Promise<string> {
    const tally = await tallies.resume('', 0, never);
    return add(tally, ...pieces).save();
  }

  it('go on where they were saved, and nothing is read again', async () => {
    const tallies = new RunningTallies();
    const tally = await tallies.resume(await saved(tallies, first), first.length, never);
    add(tally, second);
    const last = await tallies.resume(tally.save(), first.length + second.length, never);
    add(last, third);
    assert.deepEqual(last.digests(), digestsOf(all));
  });

  it('go on twice from where they were saved: of two requests, either may win', async () => {
    const tallies = new RunningTallies();
    const state = await saved(tallies, first);
    const [one, other] = [second, third].map(async (bytes) => {
      const tally = await tallies.resume(state, first.length, never);
      add(tally, bytes);
      return tally.digests();
    });
    assert.deepEqual(await one, digestsOf(Buffer.concat([first, second])));
    assert.deepEqual(await other, digestsOf(Buffer.concat([first, third])));
  });

  it('go on in another process, which reads the bytes once, and then in any', async () => {
    const state = await saved(new RunningTallies(), first);
    const tally = await new RunningTallies().resume(state, first.length, again(first));
    add(tally, second);
    const last = await new RunningTallies().resume(tally.save(), first.length + second.length, never);
    add(last, third);
    assert.deepEqual(last.digests(), digestsOf(all));
    assert.equal(rereads, 1);
  });

  it('go on of no byte without reading, whoever began', async () => {
    const tally = await new RunningTallies().resume(await saved(new RunningTallies()), 0, never);
    add(tally, all);
    assert.deepEqual(tally.digests(), digestsOf(all));
  });

  const LOST: ReadonlyArray<readonly [string, () => AsyncGenerator<Uint8Array>]> = [
    ['other bytes are there', again(Buffer.alloc(first.length))],
    ['bytes are missing', again(first.subarray(1))],
    ['there are more', again(first, third)],
    [
      'none can be read',
      broken(new StorageError('objects.getMedia', { status: 503, reason: 'backendError' })),
    ],
  ];
  for (const [why, reread] of LOST) {
    it(`have no digests from then on where ${why}`, async () => {
      const state = await saved(new RunningTallies(), first);
      const tallies = new RunningTallies();
      const tally = await tallies.resume(state, first.length, reread);
      add(tally, second);
      const last = await tallies.resume(tally.save(), first.length + second.length, never);
      assert.equal(last.size, first.length + second.length);
      assert.equal(last.digests(), undefined);
    });
  }

  it('have no digests where more would have to be read again than is worth it', async () => {
    const size = 2 ** 28 + 1;
    const tally = await new RunningTallies().resume(savedAs('@elsewhere', size), size, never);
    assert.equal(tally.digests(), undefined);
  });

  it('have no digests where another version of the library saved them', async () => {
    const tally = await new RunningTallies().resume(savedAs('AAAA', 5), 5, never);
    assert.equal(tally.digests(), undefined);
  });

  it('have no digests where their state was damaged, or is of another number of bytes', async () => {
    const tallies = new RunningTallies();
    const elsewhere = await tallies.resume(
      await saved(new RunningTallies(), first),
      first.length,
      again(first),
    );
    for (const state of [await saved(tallies, first), elsewhere.save()]) {
      for (const at of [0, 12, state.length - 1]) {
        const other = state[at] === '1' ? '2' : '1';
        const damaged = state.slice(0, at) + other + state.slice(at + 1);
        assert.equal((await tallies.resume(damaged, first.length, never)).digests(), undefined);
      }
      assert.equal((await tallies.resume('', first.length, never)).digests(), undefined);
      assert.equal((await tallies.resume(state, first.length + 1, never)).digests(), undefined);
      assert.ok((await tallies.resume(state, first.length, never)).digests());
    }
  });

  it('see again what was added after they were saved', async () => {
    const tallies = new RunningTallies();
    const state = await saved(tallies, first);
    const { size, crc32c } = digestsOf(second);
    const tally = await tallies.resume(state, first.length, never);
    await tally.replay(again(second), { size, crc32c });
    assert.deepEqual(add(tally, third).digests(), digestsOf(all));
    const many = await tallies.resume(state, first.length, never);
    await many.replay(never, { size: 2 ** 28 + 1, crc32c });
    assert.equal(many.digests(), undefined);
  });

  it('do not hide what is no failure of the storage', async () => {
    const state = await saved(new RunningTallies(), first);
    const reread = broken(new TypeError('a defect'));
    await assert.rejects(new RunningTallies().resume(state, first.length, reread), /a defect/);
  });

  it('are held in bounded number: of the oldest, the bytes are read again', async () => {
    const tallies = new RunningTallies();
    const oldest = await saved(tallies, first);
    let newest = '';
    for (let at = 0; at < 1_000; at += 1) newest = await saved(tallies, third);
    const tally = await tallies.resume(oldest, first.length, again(first));
    assert.equal(tally.digests()?.sha256, createHash('sha256').update(first).digest('hex'));
    assert.equal(rereads, 1);
    assert.ok((await tallies.resume(newest, third.length, never)).digests());
  });
});
