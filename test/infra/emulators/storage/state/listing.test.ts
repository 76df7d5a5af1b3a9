import assert from 'node:assert/strict';
import fc from 'fast-check';
import { listNames } from '../../../../../infra/emulators/storage/src/state/listing.ts';
import { NameIndex } from '../../../../../infra/emulators/storage/src/state/name-index.ts';

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

describe('storage emulator: listing', () => {
  it('is, for any names and any query, what sorting and filtering all names gives', () => {
    const name = fc.string({
      unit: fc.constantFrom('a', 'b', '/', '\u{e000}', '\u{1f389}'),
      minLength: 1,
      maxLength: 6,
    });
    const short = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 2 });
    const query = fc.record({
      prefix: short,
      delimiter: fc.constantFrom('', '/', 'ab'),
      startOffset: short,
      endOffset: short,
    });
    fc.assert(
      fc.property(
        fc.array(name),
        fc.array(name),
        query,
        fc.integer({ min: 1, max: 4 }),
        (added, removed, asked, maxResults) => {
          const index = new NameIndex();
          for (const each of added) index.add(each);
          for (const each of removed) index.delete(each);
          const { prefix, delimiter, startOffset, endOffset } = asked;
          const matching = [...new Set(added)]
            .filter((each) => !removed.includes(each) && each.startsWith(prefix))
            .filter(
              (each) => byBytes(each, startOffset) >= 0 && (endOffset === '' || byBytes(each, endOffset) < 0),
            );
          const folded = matching.map((each) => {
            const cut = delimiter === '' ? -1 : each.indexOf(delimiter, prefix.length);
            return cut < 0 ? `name ${each}` : `prefix ${each.slice(0, cut + delimiter.length)}`;
          });
          const seen: string[] = [];
          let pageToken: string | undefined = '';
          while (pageToken !== undefined) {
            const page = listNames(index, {
              ...asked,
              includeTrailingDelimiter: false,
              maxResults,
              pageToken,
            });
            assert.ok(page.names.length + page.prefixes.length <= maxResults);
            seen.push(
              ...page.names.map((each) => `name ${each}`),
              ...page.prefixes.map((each) => `prefix ${each}`),
            );
            pageToken = page.nextPageToken;
          }
          assert.deepEqual(seen.sort(), [...new Set(folded)].sort());
        },
      ),
    );
  });

  it('keeps 100 000 names in order, however they come and go', () => {
    const index = new NameIndex();
    const names = Array.from({ length: 100_000 }, (_, at) => `files/${((at * 7919) % 100_000).toString(36)}`);
    for (const each of names) index.add(each);
    for (const each of names.slice(0, 50_000)) index.delete(each);
    assert.deepEqual([...index.from(() => true)], names.slice(50_000).sort());
  });
});
