import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { walkRanges } from '../../../functions/sweeper/ranges.ts';
import { type Walk, walk } from '../../../functions/sweeper/walk.ts';

interface Page {
  readonly name: string;
}

const PAGES = ['a', 'b', 'c'];

describe('a walk through the pages of a prefix', () => {
  let listed: string[];
  let visited: string[];

  beforeEach(() => {
    listed = [];
    visited = [];
  });

  /** Each page has one object, which is named as the page. */
  async function through(how: Partial<Walk<Page>>, failing?: string): Promise<string | undefined> {
    const list = async ({ pageToken = 'a' }: { pageToken?: string | undefined }) => {
      listed.push(pageToken);
      if (pageToken === failing) throw new Error(`page ${pageToken} cannot be listed`);
      const nextPageToken = PAGES[PAGES.indexOf(pageToken) + 1];
      return { objects: [{ name: pageToken }], nextPageToken };
    };
    const visit = async ({ name }: Page) => void visited.push(name);
    const next = await walk({ bucket: { list }, prefix: '', stop: () => false, visit, ...how });
    return next?.from;
  }

  it('lists the next page while the objects of one are visited, and no page twice', async () => {
    const whenVisited: number[] = [];
    const end = await through({ visit: async () => void whenVisited.push(listed.length) });
    assert.deepEqual([whenVisited, listed, end], [[2, 3, 3], PAGES, undefined]);
  });

  it('ends where it is stopped, with the name to continue from, whatever became of the next page', async () => {
    const end = await through({ stop: () => visited.length > 0 }, 'b');
    await turn();
    assert.deepEqual([visited, listed, end], [['a'], ['a', 'b'], 'a']);
  });

  it('visits what was listed before a page fails', async () => {
    await assert.rejects(through({}, 'b'), /page b cannot be listed/);
    assert.deepEqual(visited, ['a']);
  });

  it('lists nothing once it is stopped', async () => {
    assert.equal(await through({ from: 'b', stop: () => true }), 'b');
    assert.deepEqual(listed, []);
  });
});

describe('a walk through several ranges', () => {
  const RANGES = ['a', 'b'].map((from) => ({ from, to: undefined }));

  it('fails once the other ranges are stopped, where one fails', async () => {
    const turns: string[] = [];
    const walked = walkRanges(
      RANGES,
      {},
      () => false,
      async ({ from }, stop) => {
        await turn();
        if (from === 'a') throw new Error('a cannot be walked');
        while (!stop()) await turn();
        turns.push('b was stopped');
        return { from };
      },
    );
    await assert.rejects(walked, /a cannot be walked/);
    assert.deepEqual(turns, ['b was stopped']);
  });
});
