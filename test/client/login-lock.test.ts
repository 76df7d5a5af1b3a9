import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withLock } from '../../client/src/cli/login/lock.ts';

describe('client: the lock on tokens', () => {
  let folder: string;
  let lock: string;
  const { signal } = new AbortController();

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fileshare-lock-'));
    lock = join(folder, 'default.lock');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('lets one in at a time, and leaves nothing', async () => {
    let inside = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 10));
      inside--;
    };
    await Promise.all(Array.from({ length: 8 }, () => withLock(lock, signal, work)));
    assert.equal(most, 1);
    assert.deepEqual(await readdir(folder), []);
  });

  it('is free after work that fails', async () => {
    await assert.rejects(
      withLock(lock, signal, () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal(await withLock(lock, signal, async () => 1), 1);
  });

  it('waits for a process that lives, until it is interrupted', async () => {
    await writeFile(lock, `${process.ppid} other`);
    const waiting = withLock(lock, AbortSignal.timeout(300), () => assert.fail());
    await assert.rejects(waiting, { name: 'TimeoutError' });
    assert.equal(await readFile(lock, 'utf8'), `${process.ppid} other`);
  });

  it('is broken where its process has died, or where it is older than any request', async () => {
    await writeFile(lock, '999999999 dead');
    assert.equal(await withLock(lock, signal, async () => 1), 1);
    await writeFile(lock, `${process.ppid} other`);
    const old = Date.now() / 1000 - 3600;
    await utimes(lock, old, old);
    assert.equal(await withLock(lock, signal, async () => 2), 2);
    assert.deepEqual(await readdir(folder), []);
  });

  it('is not taken from the one that broke it meanwhile', async () => {
    await withLock(lock, signal, async () => {
      // As if this process had been held up for so long that another broke its lock.
      await writeFile(lock, `${process.ppid} other`);
    });
    assert.equal((await stat(lock)).isFile(), true);
  });
});
