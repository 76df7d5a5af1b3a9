import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { EICAR, Service } from '../support/service.ts';

describe('a file over the maximum, under the policy of windows', () => {
  const service = new Service({
    MAX_SCAN_BYTES: '3000000',
    WINDOWED_SCAN_MAX_BYTES: '20000000',
    WINDOW_OVERLAP_BYTES: '100000',
  });

  it('is scanned in windows, handed out where clean, and says so', async () => {
    const bytes = Buffer.alloc(8_000_000, 'harmless ');
    const { id, expected } = await service.upload(bytes);
    assert.equal(expected, undefined, 'it is not said to be unscannable');
    const handle = await service.decided(id);
    assert.deepEqual([handle.state, handle.coverage], ['clean', 'windows']);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const response = await service.call('GET', `/files/${id}`);
    const received = createHash('sha256').update(await response.bytes());
    assert.deepEqual([handle.sha256, received.digest('hex')], [sha256, sha256]);
    assert.equal((await service.operations()).operations['objects.getMedia']?.bytesOut, 2 * bytes.length);
  });

  it('is infected where malware is across the border of two', async () => {
    const bytes = Buffer.alloc(8_000_000, 'harmless ');
    bytes.write(EICAR, 3_000_000 - 30);
    const { id } = await service.upload(bytes);
    const handle = await service.decided(id);
    assert.deepEqual([handle.state, handle.coverage], ['infected', 'windows']);
    assert.equal((await service.call('GET', `/files/${id}`)).status, 410);
  });
});

describe('a file over the maximum', () => {
  const service = new Service({ MAX_SCAN_BYTES: '1000000' });

  it('is unscannable without one of its bytes being read, and is not handed out', async () => {
    const { id, expected } = await service.upload(Buffer.alloc(1_000_001));
    assert.deepEqual(expected, { state: 'unscannable', reason: 'tooLarge' });
    const handle = await service.decided(id);
    assert.deepEqual([handle.state, handle.reason], ['unscannable', 'tooLarge']);
    assert.equal((await service.operations()).operations['objects.getMedia'], undefined);
    assert.equal((await service.call('GET', `/files/${id}`)).status, 410);
  });
});
