import assert from 'node:assert/strict';
import type { Cases } from '../cases.ts';
import type { StorageSubject } from './subject.ts';

interface Page {
  readonly items?: { readonly name: string }[];
  readonly prefixes?: string[];
  readonly nextPageToken?: string;
}

const NAMES = ['a', 'b/1', 'b/2/x', 'b/2/y', 'b/3', 'b/', 'c/1', 'd', '\u{ffff}', '\u{1f389}'];

/** @returns a function that lists below a folder that has {@link NAMES}; it takes and gives names within the folder */
async function folder(
  subject: StorageSubject,
  name: string,
): Promise<(query: Record<string, string>) => Promise<Page>> {
  const root = subject.name(`${name}/`);
  for (const each of NAMES) await subject.put(`${name}/${each}`, '');
  return async ({ prefix = '', ...rest }) => {
    const offsets = Object.entries(rest).map(([key, value]) => [
      key,
      key.endsWith('Offset') ? root + value : value,
    ]);
    const query = new URLSearchParams({ prefix: root + prefix, ...Object.fromEntries(offsets) });
    const reply = await subject.call('GET', `/storage/v1/b/${subject.bucketName}/o?${query}`);
    assert.equal(reply.status, 200, reply.text);
    const page = JSON.parse(reply.text) as Page;
    return {
      items: (page.items ?? []).map((item) => ({ name: item.name.slice(root.length) })),
      prefixes: (page.prefixes ?? []).map((each) => each.slice(root.length)),
      ...(page.nextPageToken !== undefined && { nextPageToken: page.nextPageToken }),
    };
  };
}

const names = ({ items = [] }: Page): string[] => items.map(({ name }) => name);

/** https://cloud.google.com/storage/docs/json_api/v1/objects/list */
export function listings(cases: Cases<StorageSubject>): void {
  cases('list: folds names at the delimiter, in the order of their UTF-8 bytes', async (subject) => {
    const list = await folder(subject, 'fold');
    const top = await list({ delimiter: '/' });
    assert.deepEqual(names(top), ['a', 'd', '\u{ffff}', '\u{1f389}']);
    assert.deepEqual(top.prefixes, ['b/', 'c/']);
    const below = await list({ delimiter: '/', prefix: 'b/' });
    assert.deepEqual(names(below), ['b/', 'b/1', 'b/3']);
    assert.deepEqual(below.prefixes, ['b/2/']);
  });

  cases('list: starts at one offset and ends before another', async (subject) => {
    const list = await folder(subject, 'offsets');
    assert.deepEqual(names(await list({ startOffset: 'b/2/y', endOffset: 'd' })), ['b/2/y', 'b/3', 'c/1']);
  });

  cases('list: includes the name of a folder when asked', async (subject) => {
    const list = await folder(subject, 'trailing');
    assert.ok(names(await list({ delimiter: '/', includeTrailingDelimiter: 'true' })).includes('b/'));
  });

  cases('list: has no items where no name matches', async (subject) => {
    const query = new URLSearchParams({ prefix: subject.name('no-such-prefix/') });
    const reply = await subject.call('GET', `/storage/v1/b/${subject.bucketName}/o?${query}`);
    // The members that a page of a listing has by the API.
    const page = reply.ok() as unknown as Page;
    assert.deepEqual([page.items ?? [], page.prefixes ?? []], [[], []]);
  });

  cases('list: pages through names and prefixes without losing or repeating one', async (subject) => {
    const list = await folder(subject, 'paged');
    const seen: string[] = [];
    let calls = 0;
    for (let pageToken: string | undefined; ; calls++) {
      const page = await list({ delimiter: '/', maxResults: '1', ...(pageToken && { pageToken }) });
      seen.push(...(page.prefixes ?? []), ...names(page));
      pageToken = page.nextPageToken;
      if (pageToken === undefined) break;
    }
    assert.deepEqual(seen, ['a', 'b/', 'c/', 'd', '\u{ffff}', '\u{1f389}']);
    assert.ok(calls >= seen.length - 1, `${calls} further calls`);
  });

  cases('list: refuses a page token that it did not give', async (subject) => {
    const reply = await subject.call('GET', `/storage/v1/b/${subject.bucketName}/o?pageToken=bogus`);
    assert.equal(reply.status, 400);
  });

  cases('list: answers 404 for a bucket that does not exist', async (subject) => {
    assert.equal((await subject.call('GET', `/storage/v1/b/${subject.bucketName}-missing/o`)).status, 404);
  });
}
