import assert from 'node:assert/strict';
import { SCAN_SLOTS } from '../../infra/local/config.ts';
import { zipBomb } from '../../infra/local/zip-bomb.ts';
import type { Handle } from '../../shared/files/handle.ts';
import { Service } from '../support/service.ts';

const BOMBER = 'org:111111111';
const OTHER = 'org:222222222';
const BOMBS = 12;

describe('the scans of one owner', function () {
  this.timeout(240_000);
  const service = new Service();

  it('delay the verdict of another by one scan: twelve bombs, then a small file', async () => {
    const started = performance.now();
    const seconds = () => ((performance.now() - started) / 1000).toFixed(1);
    const bomb = zipBomb();
    const bombs: string[] = [];
    // Each of its own content, so that no verdict answers for another.
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
