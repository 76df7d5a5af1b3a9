import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseResourceUri } from '../../../shared/files/references.ts';
import { OWNER, RecordsFixture, uriOf } from '../../functions/files/fixture.ts';

const URI = uriOf('https://fhir.example/DocumentReference/123');
const signal = new AbortController().signal;

describe('references', () => {
  const fixture = new RecordsFixture();
  afterEach(() => fixture.retain(null));
  const added = { by: OWNER, at: new Date() };

  for (const policy of ['without', 'under']) {
    it(`come, go and come back as often as one likes, ${policy} a retention policy`, async () => {
      const id = await fixture.clean();
      const { references } = fixture.instance();
      if (policy === 'under') await fixture.retain('3600');
      const seen = async () => [
        await references.count(id, 10),
        (await references.page(id, { after: undefined, limit: 10, signal })).items,
      ];
      await references.remove(id, URI, new Date());
      assert.deepEqual(await seen(), [0, []]);
      for (let round = 0; round < 2; round++) {
        await references.add(id, URI, added);
        await references.add(id, URI, added);
        assert.deepEqual(await seen(), [1, [URI]]);
        await references.remove(id, URI, new Date());
        await references.remove(id, URI, new Date());
        assert.deepEqual(await seen(), [0, []]);
      }
      const kept = await fixture.bucket().list({ prefix: `references/${id}/`, maxResults: 10 });
      assert.equal(kept.objects.length, policy === 'under' ? 1 : 0);
    });
  }

  it('that are added and removed at once from all sides end as one or the other, and listings agree', async () => {
    const id = await fixture.clean();
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => {
        const { references } = fixture.instance();
        return index % 2 ? references.add(id, URI, added) : references.remove(id, URI, new Date());
      }),
    );
    const { references } = fixture.instance();
    await references.add(id, URI, added);
    assert.equal(await references.count(id, 10), 1);
  });

  it('are as many as one likes, in pages of which each has its own, and count as far as is asked', async () => {
    const id = await fixture.clean();
    const { references } = fixture.instance();
    const uris = Array.from({ length: 25 }, (_, index) => uriOf(`urn:x:${index}`));
    await Promise.all(uris.map((uri) => references.add(id, uri, added)));
    const listed: string[] = [];
    for (let after: string | undefined, pages = 1; ; pages++) {
      const page = await references.page(id, { after, limit: 5, signal });
      listed.push(...page.items);
      after = page.next;
      if (after === undefined) {
        assert.equal(pages, 5);
        break;
      }
      assert.equal(page.items.length, 5);
    }
    assert.deepEqual([...listed].sort(), [...uris].sort());
    assert.equal(await references.count(id, 1000), 25);
    assert.equal(await references.count(id, 7), 7);
  });

  describe('are named by URIs', () => {
    for (const good of [
      'https://fhir.example/DocumentReference/123?a=b#c',
      'urn:uuid:6d2a9f7e-9d4e-4f5c-8f1d-1a2b3c4d5e6f',
      'urn:oid:1.2.3',
      'https://[::1]/%C3%B8',
      `urn:${'x'.repeat(1996)}`,
    ]) {
      it(`such as ${good.slice(0, 60)}`, () => assert.equal(parseResourceUri(good), good));
    }
    for (const bad of [
      '',
      'DocumentReference/123',
      '/a',
      'https:',
      'a b:c',
      'urn:a b',
      'urn:ø',
      'urn:%zz',
      'urn:a\n',
      `urn:${'x'.repeat(1997)}`,
    ]) {
      it(`and not by ${JSON.stringify(bad.slice(0, 30))}`, () =>
        assert.equal(parseResourceUri(bad), undefined));
    }
    it('which fit into the metadata whatever they are', () => {
      fc.assert(
        fc.property(
          fc.oneof(fc.webUrl({ withFragments: true, withQueryParameters: true }), fc.string()),
          (text) => {
            const uri = parseResourceUri(text);
            assert.ok(
              uri === undefined ||
                (uri === text && Buffer.byteLength(uri) <= 2000 && /^[\x21-\x7e]+$/.test(uri)),
            );
          },
        ),
        { numRuns: 2000 },
      );
    });
  });
});
