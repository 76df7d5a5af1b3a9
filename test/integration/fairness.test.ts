import assert from 'node:assert/strict';
import { Fileshare } from '../../client/src/index.ts';
import { SCAN_SLOTS } from '../../infra/local/processes/config.ts';
import { zipBomb } from '../../infra/local/samples/zip-bomb.ts';
import type { Handle } from '../../shared/files/handle.ts';
import { eventually, OWNER, Service } from '../support/service.ts';
import { idOf, TusRequests } from '../support/tus.ts';

const BOMBER = 'org:111111111';
const OTHER = 'org:222222222';
const SENDER = 'org:333333333';
const CUT = 'org:444444444';
const BOMBS = 12;

describe('the scans of one owner', function () {
  this.timeout(240_000);
  const service = new Service();

  it('delay the verdict of another by one scan: twelve bombs, then a small file', async () => {
    const started = performance.now();
    const seconds = () => ((performance.now() - started) / 1000).toFixed(1);
    const bomb = zipBomb();
    const bombs: string[] = [];
    // Each with another content, so that no verdict answers for another.
    for (let index = 0; index < BOMBS; index++) {
      const body = Buffer.concat([bomb, Buffer.from(`${index}`)]);
      bombs.push((await service.upload(body, {}, { as: BOMBER })).id);
    }
    console.log(`      ${seconds()} s: ${BOMBS} bombs of ${bomb.length} bytes are uploaded`);
    const decided = async () => {
      const states = await Promise.all(bombs.map(async (id) => (await statusOf(id, BOMBER)).state));
      return states.filter((state) => state !== 'pending').length;
    };
    const before = await decided();
    const small = await service.upload('a small file', {}, { as: OTHER });
    const sent = seconds();
    const handle = await decidedFor(small.id);
    console.log(`      ${seconds()} s: the other's small file, sent at ${sent} s, is ${handle.state}`);

    const meanwhile = (await decided()) - before;
    console.log(
      `      ${meanwhile} bombs were decided meanwhile, ${before} before; ${SCAN_SLOTS} scans run at a time`,
    );
    assert.equal(handle.state, 'clean');
    // One makes room for it. The others that ran when it came, and one after the first, may end while it is looked at.
    assert.ok(meanwhile <= SCAN_SLOTS + 1, `${meanwhile} of ${BOMBS} bombs were decided first`);
  });

  async function decidedFor(id: string): Promise<Handle> {
    for (;;) {
      const handle = await statusOf(id, OTHER, { prefer: 'wait=20' });
      if (handle.state !== 'pending') return handle;
    }
  }

  async function statusOf(id: string, as: string, headers: Record<string, string> = {}): Promise<Handle> {
    const response = await service.call('GET', `/files/${id}/status`, { as, headers });
    assert.equal(response.status, 200);
    return (await response.json()) as Handle;
  }
});

describe('uploads and long polls of one owner', () => {
  const service = new Service({ UPLOADS_PER_OWNER: '2', LONG_POLLS_PER_CALLER: '1' });
  const tus = new TusRequests(service);

  interface OpenUpload {
    /** Whether it was answered already, which is before its body ended: it was refused. */
    refused(): boolean;
    end(): Promise<Response>;
    abort(): Promise<void>;
  }

  /** A body that has begun and does not end before it is told to. */
  async function openUpload(as: string): Promise<OpenUpload> {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    let refused = false;
    const answer = service.call('POST', '/files', { as, body: readable }).then((response) => {
      refused = response.status === 429;
      return response;
    });
    await writer.write(Buffer.from('begun'));
    return {
      refused: () => refused,
      end: async () => {
        await writer.close();
        return answer;
      },
      abort: async () => {
        const failed = assert.rejects(answer);
        await writer.abort(new Error('the client goes away'));
        await failed;
      },
    };
  }

  /**
   * Two uploads that are all that the owner may have under way. The request that asks whether they are may arrive
   * before them and take their place: an upload that was refused so is begun again.
   */
  async function openAll(as: string): Promise<[OpenUpload, OpenUpload]> {
    const open: [OpenUpload, OpenUpload] = [await openUpload(as), await openUpload(as)];
    await eventually(async () => {
      for (const [index, upload] of open.entries()) if (upload.refused()) open[index] = await openUpload(as);
      const { status } = await service.call('POST', '/files', { as, body: 'x' });
      return status === 429 && !open.some((upload) => upload.refused());
    });
    return open;
  }

  it('are refused above the share with 429, when to come again and the quota, in every way in', async () => {
    const path = await tus.create({ 'upload-length': '1' });
    const open = await openAll(OWNER);
    for (const refused of [
      await service.call('POST', '/files', { body: 'one too many' }),
      await tus.send('POST', '/uploads', { headers: { 'upload-length': '1' } }),
      await tus.patch(path, 0, Buffer.from('x')),
    ]) {
      assert.equal(refused.status, 429);
      const { type } = (await refused.json()) as { type: string };
      assert.equal(type, `${service.filesUrl}/problems/too-many-uploads`);
      assert.equal(refused.headers.get('retry-after'), '5');
      assert.equal(refused.headers.get('ratelimit-policy'), '"uploads";q=2;qu="concurrent-requests"');
      assert.equal(refused.headers.get('ratelimit'), '"uploads";r=0');
    }
    const other = await service.call('POST', '/files', { as: OTHER, body: 'of another owner' });
    assert.deepEqual([other.status, other.headers.get('ratelimit')], [202, '"uploads";r=1']);

    for (const upload of open) assert.equal((await upload.end()).status, 202);
    assert.equal((await service.call('POST', '/files', { body: 'there is room again' })).status, 202);
    assert.equal((await tus.patch(path, 0, Buffer.from('x'))).status, 204);
  });

  it('give their share back where they are cut', async () => {
    for (let times = 0; times < 3; times++) {
      const [cut, other] = await openAll(CUT);
      await cut.abort();
      assert.equal((await other.end()).status, 202);
    }
    await openAll(CUT);
  });

  it('are sent again by the client, after as long as it is told to wait', async () => {
    const token = await service.platform.token(SENDER);
    /** When each request was refused, and when it was sent after that. */
    const pauses = new Map<string, { refused: number; again?: number }>();
    const client = new Fileshare({
      url: service.url,
      token,
      fetch: async (url, init) => {
        const key = `${init?.method} ${url}`;
        const seen = pauses.get(key);
        if (seen) seen.again ??= performance.now();
        const response = await fetch(url, init);
        if (response.status === 429) pauses.set(key, { refused: performance.now() });
        return response;
      },
    });
    const open = await openAll(SENDER);
    const uploading = [
      client.upload(new Blob(['by post']), { via: 'post' }),
      client.upload(new Blob(['by tus']), { via: 'tus' }),
    ];
    await eventually(async () => pauses.size === 2);
    for (const upload of open) assert.equal((await upload.end()).status, 202);
    for (const { id } of await Promise.all(uploading)) assert.equal((await client.wait(id)).state, 'clean');
    for (const [request, { refused, again = 0 }] of pauses) {
      // A timer may be a millisecond early, never more.
      assert.ok(again - refused >= 4_990, `${request} did not wait for Retry-After`);
    }
  });

  it('wait for a verdict up to the share, and are answered at once above it', async () => {
    const id = idOf(await tus.create({ 'upload-length': '1' }));
    const ended: (string | null)[] = [];
    const poll = async () => {
      const response = await service.call('GET', `/files/${id}/status`, { headers: { prefer: 'wait=8' } });
      assert.deepEqual([response.status, response.headers.get('retry-after')], [200, '1']);
      ended.push(response.headers.get('preference-applied'));
    };
    await Promise.all([poll(), poll(), poll()]);
    assert.deepEqual(ended, [null, null, 'wait=8']);
    await poll();
    assert.equal(ended.at(-1), 'wait=8', 'the share is given back');
  });
});
