import assert from 'node:assert/strict';
import { createHash, type Hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Service } from '../support/service.ts';
import { idOf, TusRequests } from '../support/tus.ts';

const MIB = 1024 * 1024;
const SIZE = 256 * MIB;
/** Well below the file, well above what Node itself takes. */
const LIMIT = 200 * MIB;

/** Peak resident memory of a process so far, bytes: `VmHWM` of proc(5). */
function peakMemory(pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}

describe('memory', () => {
  const service = new Service();

  /** @param seed of other bytes, that nobody knows yet */
  function source(seed: number): { body: ReadableStream; hash: Hash } {
    const block = Buffer.alloc(MIB);
    for (let i = 0; i < block.length; i++) block[i] = (i * 7919 + seed) % 251;
    const hash = createHash('sha256');
    let sent = 0;
    const body = new ReadableStream({
      pull(controller) {
        if (sent >= SIZE) return controller.close();
        sent += block.length;
        hash.update(block);
        controller.enqueue(block);
      },
    });
    return { body, hash };
  }

  async function expectFlat(id: string, hash: Hash): Promise<void> {
    assert.equal((await service.decided(id, 100)).state, 'clean');
    const response = await service.call('GET', `/files/${id}`);
    const received = createHash('sha256');
    for await (const piece of response.body ?? []) received.update(piece);
    assert.equal(received.digest('hex'), hash.digest('hex'));
    for (const name of ['upload', 'scanner', 'files', 'storage']) {
      const peak = peakMemory(service.pid(name));
      assert.ok(peak < LIMIT, `${name} took ${Math.round(peak / MIB)} MiB`);
    }
  }

  // In one request to the function itself: as over HTTP/2, or where another front end lets more through.
  it(`of no function grows with the file: ${SIZE / MIB} MiB up, scanned, and down again`, async () => {
    const { body, hash } = source(0);
    const { id } = await service.upload(body, {}, { at: service.platform.functionUrl('upload') });
    await expectFlat(id, hash);
  });

  it('nor with the request, where a whole file comes in one of tus', async () => {
    const tus = new TusRequests(service);
    const { body, hash } = source(1);
    const path = await tus.create({ 'upload-length': String(SIZE) });
    assert.equal((await tus.patch(path, 0, body, {}, service.platform.functionUrl('upload'))).status, 204);
    await expectFlat(idOf(path), hash);
  });
});
