import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MAX_SIZED_BODY_BYTES } from '../../functions/files/read.ts';
import { OWNER, Service } from '../support/service.ts';

const MIB = 2 ** 20;
const SIZE = 40 * MIB;

/** Cloud Run refuses to pass a larger HTTP/1 answer that names its length: https://cloud.google.com/run/quotas */
describe('a download of more than 32 MiB', () => {
  const service = new Service();
  const bytes = randomBytes(SIZE);
  let path: string;

  before(async () => {
    const { id } = await service.uploadDirect(bytes);
    assert.equal((await service.decided(id)).state, 'clean');
    path = `/files/${id}`;
  });
  afterEach(() => service.clearFaults());

  const get = (headers: Record<string, string> = {}) => service.call('GET', path, { headers });
  const body = async (response: Response) => Buffer.from(await response.arrayBuffer());

  it('is chunked when it is whole, and has every byte', async () => {
    const response = await get();
    assert.equal(response.headers.get('content-length'), null);
    assert.equal(response.headers.get('transfer-encoding'), 'chunked');
    assert.ok((await body(response)).equals(bytes));
  });

  it('names its length in the answer to HEAD, which has no body', async () => {
    const { headers } = await service.call('HEAD', path);
    assert.equal(headers.get('content-length'), String(SIZE));
  });

  it('names the length of a range that the front end passes, and of no larger one', async () => {
    const passes = await get({ range: `bytes=1-${MAX_SIZED_BODY_BYTES}` });
    assert.equal(passes.headers.get('content-length'), String(MAX_SIZED_BODY_BYTES));
    assert.ok((await body(passes)).equals(bytes.subarray(1, 1 + MAX_SIZED_BODY_BYTES)));
    const larger = await get({ range: `bytes=0-${MAX_SIZED_BODY_BYTES}` });
    assert.equal(larger.status, 206);
    assert.equal(larger.headers.get('content-length'), null);
    assert.equal(larger.headers.get('content-range'), `bytes 0-${MAX_SIZED_BODY_BYTES}/${SIZE}`);
    assert.ok((await body(larger)).equals(bytes.subarray(0, 1 + MAX_SIZED_BODY_BYTES)));
  });

  it('does not name the length of parts that are larger together', async () => {
    const response = await get({ range: `bytes=0-${20 * MIB},${21 * MIB}-` });
    assert.equal(response.headers.get('content-length'), null);
    assert.ok((await body(response)).byteLength > 38 * MIB);
  });

  it('is seen to be broken where it ends early', async () => {
    // Until the function gives up asking for the rest.
    await service.fault({ operation: 'objects.getMedia', effect: { kind: 'truncate', bytes: 1_000_000 } });
    await service.fault({
      operation: 'objects.getMedia',
      nth: 2,
      times: 1000,
      effect: { kind: 'error', status: 404 },
    });
    await assert.rejects(async () => body(await get()));
  });

  it('is resumed by curl where it broke off', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fileshare-curl-'));
    try {
      const file = join(folder, 'file');
      await writeFile(file, bytes);
      await truncate(file, 33 * MIB + 7);
      const authorization = `Authorization: Bearer ${await service.platform.token(OWNER)}`;
      const url = service.url + path;
      await promisify(execFile)('curl', ['-sf', '-H', authorization, '-C', '-', '-o', file, url]);
      assert.ok((await readFile(file)).equals(bytes));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
