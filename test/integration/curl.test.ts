import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Handle } from '../../shared/files/handle.ts';
import { OWNER, Service } from '../support/service.ts';

const MIB = 2 ** 20;
/** Size of the test, 1.5 GB by hand: docs/adr/0011. */
const SIZE = 64 * MIB;
/** curl's exit codes for a body that is shorter than its length, and for a reset: https://curl.se/docs/manpage.html */
const BROKEN = [18, 56];

const run = promisify(execFile);
const available = spawnSync('curl', ['--version']).status === 0;

(available ? describe : describe.skip)(`curl${available ? '' : ' (not installed)'}`, () => {
  const service = new Service();
  const bytes = Buffer.alloc(SIZE, randomBytes(MIB));
  // No two parts of it are the same.
  for (let at = 0; at < SIZE; at += MIB) bytes.writeUInt32BE(at, at);
  let folder: string;
  let url: string;
  let authorization: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'curl-test-'));
    authorization = `Authorization: Bearer ${await service.platform.token(OWNER)}`;
    const { id } = await service.uploadDirect(bytes, { fileName: 'scan.bin' });
    await service.decided(id);
    url = `${service.url}/files/${id}`;
  });
  afterEach(() => service.clearFaults());
  after(() => rm(folder, { recursive: true, force: true }));

  const curl = (...args: string[]) =>
    run('curl', ['-sS', '-H', authorization, ...args, url], { cwd: folder });
  const digest = async (name: string) =>
    createHash('sha256')
      .update(await readFile(join(folder, name)))
      .digest('hex');
  const expected = createHash('sha256').update(bytes).digest('hex');

  it('gets ranges of a large file', async () => {
    for (const [range, start, end] of [
      ['0-0', 0, 0],
      ['33554431-33554433', 33_554_431, 33_554_433],
      ['-5', SIZE - 5, SIZE - 1],
    ] as const) {
      await curl('-f', '-r', range, '-o', 'range');
      assert.ok((await readFile(join(folder, 'range'))).equals(bytes.subarray(start, end + 1)), range);
    }
  });

  it('is told of a download that breaks, and resumes it to the right digest', async () => {
    // Storage answers a part, and then not at all for so long that nothing more can be sent.
    const rule = { operation: 'objects.getMedia', bucket: 'permanent' } as const;
    await service.fault({ ...rule, times: 1, effect: { kind: 'truncate', bytes: 20 * MIB + 1 } });
    await service.fault({ ...rule, nth: 2, times: 1, effect: { kind: 'error', status: 403 } });
    await assert.rejects(curl('-f', '-o', 'broken'), ({ code }: { code: number }) => BROKEN.includes(code));
    const { size } = await stat(join(folder, 'broken'));
    assert.ok(size > 0 && size < SIZE, `${size} bytes had arrived`);
    await curl('-f', '-C', '-', '-o', 'broken');
    assert.equal(await digest('broken'), expected);
  });

  it('saves it under its name, and only where it has changed', async () => {
    await curl('-f', '-OJ', '--etag-save', 'etag');
    assert.equal(await digest('scan.bin'), expected);
    const { stdout } = await curl('--etag-compare', 'etag', '-o', 'again', '-w', '%{http_code}');
    assert.equal(stdout, '304');
  });

  it('uploads a file in a form, under its name and with its type', async () => {
    await writeFile(join(folder, 'brev æ.txt'), bytes.subarray(0, 5 * MIB + 1));
    const { stdout } = await run(
      'curl',
      ['-sS', '-f', '-H', authorization, '-F', 'file=@brev æ.txt;type=text/plain', `${service.url}/files`],
      { cwd: folder },
    );
    const { id, fileName, contentType } = JSON.parse(stdout) as Handle;
    assert.deepEqual([fileName, contentType], ['brev æ.txt', 'text/plain']);
    await service.decided(id);
    const download = await service.call('GET', `/files/${id}`);
    assert.ok(Buffer.from(await download.arrayBuffer()).equals(bytes.subarray(0, 5 * MIB + 1)));
  });

  it('is told why a form with two files is not taken', async () => {
    const two = ['-F', 'a=@scan.bin;filename=a', '-F', 'b=@scan.bin;filename=b'];
    await writeFile(join(folder, 'scan.bin'), 'two');
    const { stdout } = await run('curl', ['-sS', '-H', authorization, ...two, `${service.url}/files`], {
      cwd: folder,
    });
    assert.match((JSON.parse(stdout) as { type: string }).type, /\/form-invalid$/);
  });
});
