import assert from 'node:assert/strict';
import { Fileshare, type FileshareProblem, isIntakePaused } from '../../client/src/index.ts';

describe('an answer that asks to wait', () => {
  /** A service that refuses an upload, asking to wait for so many seconds, and takes the next one. */
  function refusing(seconds: number): { readonly client: Fileshare; readonly sent: () => number } {
    let sent = 0;
    const fetch = async (): Promise<Response> => {
      sent++;
      if (sent > 1) return Response.json({ id: 'x', state: 'pending' }, { status: 202 });
      const problem = { type: '/problems/intake-paused', title: 'New uploads are paused', status: 503 };
      return Response.json(
        { ...problem, detail: 'The storage is moved', until: '2026-11-29T16:00:00Z' },
        {
          status: 503,
          headers: { 'content-type': 'application/problem+json', 'retry-after': String(seconds) },
        },
      );
    };
    return { client: new Fileshare({ url: 'http://service.test', token: 't', fetch }), sent: () => sent };
  }
  const upload = (client: Fileshare) => client.upload(new Blob(['x']));

  it('is followed where that is short', async () => {
    const { client, sent } = refusing(0);
    assert.equal((await upload(client)).state, 'pending');
    assert.equal(sent(), 2);
  });

  it('is told at once where that is more than a minute, with the reason and the end of a pause', async () => {
    const { client, sent } = refusing(61);
    await assert.rejects(upload(client), (error: FileshareProblem) => {
      assert.ok(isIntakePaused(error));
      assert.equal(error.message, 'New uploads are paused: The storage is moved (503)');
      assert.deepEqual([error.retryAfter, error.members['until']], [61, '2026-11-29T16:00:00Z']);
      return true;
    });
    assert.equal(sent(), 1);
  });
});
