import assert from 'node:assert/strict';
import { signedUrl } from '../../../../../functions/files/signed-url.ts';
import type { Signer } from '../../../../../shared/storage/signer.ts';
import { BUCKET, EmulatorFixture } from '../emulator-fixture.ts';

describe('storage emulator: signed URLs', () => {
  let now = Date.parse('2026-11-24T10:00:00Z');
  const fixture = new EmulatorFixture({ now: () => now });
  const signer: Signer = { email: async () => 'a@b', sign: async () => Buffer.from('signature') };
  const sign = (query: Record<string, string> = {}) =>
    signedUrl(signer, {
      origin: fixture.url,
      path: `/${BUCKET}/a folder/ø?.txt`,
      query,
      at: new Date('2026-11-24T10:00:00Z'),
      seconds: 60,
    });

  it('lead to an object, with the headers that they ask for, until they expire', async () => {
    await fixture.put('a folder/ø?.txt', 'content');
    const url = await sign({ 'response-content-type': 'text/x', 'response-content-disposition': 'inline' });
    const reply = await fixture.call('GET', url);
    assert.deepEqual([reply.status, reply.text], [200, 'content']);
    assert.equal(reply.headers.get('content-type'), 'text/x');
    assert.equal(reply.headers.get('content-disposition'), 'inline');
    const head = await fixture.call('HEAD', url);
    assert.deepEqual([head.status, head.headers.get('content-length'), head.text], [200, '7', '']);
    now += 60_000;
    assert.equal((await fixture.call('GET', url)).status, 200);
    now += 1000;
    assert.equal((await fixture.call('GET', url)).status, 400);
  });

  it('are refused where a part is missing or not valid, and nothing is to be had without one', async () => {
    const url = await sign();
    for (const [part, other] of [
      [/X-Goog-Algorithm=[^&]*/, 'X-Goog-Algorithm=none'],
      [/X-Goog-Credential=[^&]*/, 'X-Goog-Credential=me'],
      [/X-Goog-Expires=\d+/, 'X-Goog-Expires=604801'],
      [/X-Goog-Expires=\d+/, ''],
      [/X-Goog-Date=[^&]*/, 'X-Goog-Date=now'],
      [/X-Goog-Signature=.*/, 'X-Goog-Signature='],
    ] as const) {
      assert.equal((await fixture.call('GET', url.replace(part, other))).status, 403, other);
    }
    assert.equal((await fixture.call('GET', url.replace(/\?.*/, ''))).status, 404);
    assert.equal((await fixture.call('PUT', url)).status, 404);
  });
});
