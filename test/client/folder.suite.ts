import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { pickedFiles, type UploadAllProgress } from '../../client/src/index.ts';
import { folder } from '../../client/src/node.ts';
import { noise } from '../support/noise.ts';
import { Service } from '../support/service.ts';
import { all, clientOf, Folder, MIB } from './fixture.ts';

describe('client: folders', () => {
  const service = new Service();
  const home = new Folder();

  before(async () => {
    await mkdir(home.path('scans', 'a', 'b'), { recursive: true });
    await writeFile(home.path('scans', '1.txt'), 'one');
    await writeFile(home.path('scans', 'a', '2.txt'), 'two');
    await writeFile(home.path('scans', 'a', 'b', 'ü.bin'), noise(MIB));
    await writeFile(home.path('secret'), 'secret');
    await symlink(home.path('secret'), home.path('scans', 'link'));
    await symlink(home.path('scans'), home.path('scans', 'a', 'circle'));
  });

  it('finds every file by its path, and follows no links', async () => {
    const entries = await all(folder(home.path('scans')));
    assert.deepEqual(
      entries.map(({ path }) => path),
      ['1.txt', 'a/2.txt', 'a/b/ü.bin'],
    );
    const texts = await all(folder(home.path('scans'), (path) => path.endsWith('.txt')));
    assert.equal(texts.length, 2);
    await assert.rejects(all(folder(home.path('secret'))), { code: 'ENOTDIR' });
  });

  it('uploads all files, and tells how far they are', async () => {
    const seen: UploadAllProgress[] = [];
    const options = { parallel: 2, correlationId: 'message-17', onProgress: seen.push.bind(seen) };
    const uploaded = await all(clientOf(service).uploadAll(folder(home.path('scans')), options));
    assert.deepEqual(uploaded.map(({ path, handle }) => [path, handle?.fileName]).sort(), [
      ['1.txt', '1.txt'],
      ['a/2.txt', '2.txt'],
      ['a/b/ü.bin', 'ü.bin'],
    ]);
    assert.ok(uploaded.every(({ handle }) => handle?.correlationId === 'message-17'));
    assert.deepEqual(
      { ...seen.at(-1), path: '', sent: 0, size: 0, finished: 0 },
      { path: '', sent: 0, size: 0, totalSent: MIB + 6, finished: 0, begun: 3 },
    );
  });

  it('takes as many at a time as it may, and goes on where one fails', async () => {
    let running = 0;
    let most = 0;
    const entries = Array.from({ length: 9 }, (_, at) => ({
      path: `${at}`,
      source: {
        size: 1,
        async *open() {
          most = Math.max(most, ++running);
          await new Promise((resolve) => setTimeout(resolve, 20));
          running--;
          if (at === 4) throw new Error('unreadable');
          yield Buffer.from(String(at));
        },
      },
    }));
    const uploaded = await all(clientOf(service).uploadAll(entries, { parallel: 3 }));
    assert.equal(uploaded.length, 9);
    assert.deepEqual(
      uploaded.filter(({ error }) => error !== undefined).map(({ path, error }) => [path, String(error)]),
      [['4', 'Error: unreadable']],
    );
    assert.equal(most, 3);
    await assert.rejects(all(clientOf(service).uploadAll(entries, { parallel: 0 })), RangeError);
  });

  it('stops at its signal with all that is under way, and begins no other', async () => {
    const controller = new AbortController();
    const begun: string[] = [];
    const entries = Array.from({ length: 20 }, (_, at) => ({ path: `${at}`, source: noise(MIB, at) }));
    const onProgress = ({ path, sent }: UploadAllProgress) => {
      if (sent === 0) begun.push(path);
      if (sent > 0) controller.abort();
    };
    const uploading = all(
      clientOf(service).uploadAll(entries, { parallel: 2, signal: controller.signal, onProgress }),
    );
    await assert.rejects(uploading, { name: 'AbortError' });
    assert.ok(begun.length < 20, String(begun.length));
  });

  it('lets go of what is under way where nobody reads on', async () => {
    const entries = Array.from({ length: 5 }, (_, at) => ({ path: `${at}`, source: noise(10, at) }));
    for await (const { handle } of clientOf(service).uploadAll(entries, { parallel: 1 })) {
      assert.ok(handle);
      break;
    }
  });

  it('knows the paths of files that were picked in a browser', () => {
    const picked = Object.assign(new File(['a'], 'a.txt'), { webkitRelativePath: 'scans/a.txt' });
    const paths = [...pickedFiles([picked, new File(['b'], 'b.txt')])].map(({ path }) => path);
    assert.deepEqual(paths, ['scans/a.txt', 'b.txt']);
  });
});
