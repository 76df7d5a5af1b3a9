import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { crc32, inflateRawSync, inflateSync } from 'node:zlib';
import { faultsOf } from '../../../../infra/local/cli/demo-trial.ts';
import { column, table } from '../../../../infra/local/cli/table.ts';
import { png } from '../../../../infra/local/samples/documents.ts';
import { samples, samplesBelow } from '../../../../infra/local/samples/samples.ts';
import { deflated, encrypted, zip } from '../../../../infra/local/samples/zip.ts';

const run = promisify(execFile);
const CONTENT = Buffer.from('some content, some content, some content');

describe('the samples of the demonstration', () => {
  let folder: string;
  let unzips: boolean;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'fileshare-'));
    unzips = await run('unzip', ['-v']).then(
      () => true,
      () => false,
    );
  });
  after(() => rmSync(folder, { recursive: true }));

  function keep(name: string, content: Buffer): string {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  }

  it('are zips that a foreign unpacker accepts', async function () {
    if (!unzips) this.skip();
    const archive = keep(
      'plain.zip',
      zip([deflated('a.txt', CONTENT), deflated('b/c.txt', Buffer.alloc(0))]),
    );
    await run('unzip', ['-tq', archive]);
    assert.equal((await run('unzip', ['-p', archive, 'a.txt'])).stdout, CONTENT.toString());
  });

  it('are encrypted so that a foreign unpacker decrypts them, with the right password alone', async function () {
    if (!unzips) this.skip();
    const archive = keep('secret.zip', zip([encrypted('a.txt', CONTENT, 'secret')]));
    assert.equal((await run('unzip', ['-p', '-P', 'secret', archive])).stdout, CONTENT.toString());
    await assert.rejects(run('unzip', ['-p', '-P', 'wrong', archive]));
  });

  it('hold a PNG whose chunks and pixels are whole', () => {
    const image = png(16);
    let at = 8;
    const kinds: string[] = [];
    while (at < image.length) {
      const length = image.readUInt32BE(at);
      const content = image.subarray(at + 4, at + 8 + length);
      assert.equal(image.readUInt32BE(at + 8 + length), crc32(content));
      kinds.push(content.toString('latin1', 0, 4));
      if (kinds.at(-1) === 'IDAT') assert.equal(inflateSync(content.subarray(4)).length, 16 * 17);
      at += 12 + length;
    }
    assert.deepEqual(kinds, ['IHDR', 'IDAT', 'IEND']);
  });

  it('hold a PDF whose cross-references point at its objects', async () => {
    const file = (await contentOf('letter.pdf')).toString('latin1');
    const start = Number(/startxref\n(\d+)/.exec(file)?.[1]);
    assert.ok(file.startsWith('xref', start));
    const offsets = [...file.matchAll(/^(\d{10}) 00000 n $/gm)].map(([, offset]) => Number(offset));
    offsets.forEach((offset, index) => {
      assert.ok(file.startsWith(`${index + 1} 0 obj`, offset));
    });
  });

  it('hold a bomb that is small and grows at each of its layers', async () => {
    const bomb = await contentOf('bomb.zip');
    assert.ok(bomb.length < 20_000);
    const bodyAt = 30 + bomb.readUInt16LE(26);
    const inner = inflateRawSync(bomb.subarray(bodyAt, bodyAt + bomb.readUInt32LE(18)));
    assert.equal(inner.toString('latin1', 0, 2), 'PK');
    assert.equal(bomb.readUInt32LE(14), crc32(inner));
  });

  it('are the same bytes every time', async () => {
    for (const { name, open } of samples().filter(({ name }) => !name.endsWith('.mp4'))) {
      const again = samples().find((sample) => sample.name === name);
      assert.ok(again);
      assert.deepEqual(await buffer(open()), await buffer(again.open()));
    }
  });

  it('include what is below a given folder, or a given file', async () => {
    const root = join(folder, 'given');
    mkdirSync(join(root, 'deep'), { recursive: true });
    writeFileSync(join(root, 'deep/b'), 'b');
    writeFileSync(join(root, 'a'), 'a');
    const names = (await samplesBelow(root)).map(({ name }) => name);
    assert.deepEqual(names, ['a', 'deep/b']);
    assert.equal((await samplesBelow(join(root, 'a'))).length, 1);
  });

  async function contentOf(name: string): Promise<Buffer> {
    const found = samples().find((sample) => sample.name === name);
    assert.ok(found);
    return buffer(found.open());
  }
});

describe('the verdict of the demonstration', () => {
  const sent = { url: '', size: 1, sha256: 'a' };
  const sample = { name: 'x', contentType: 'text/plain', open: () => assert.fail() };
  const cases = [
    ['nothing is wrong with a clean file that comes back', 'clean', 'clean', 'a', []],
    ['nothing is wrong with an infected file that is refused', 'infected', 'infected', undefined, []],
    ['another verdict', 'infected', 'clean', 'a', ['its verdict is clean, not infected']],
    ['a download that differs', 'clean', 'clean', 'b', ['it does not download as it was sent']],
    ['an infected file that is handed out', 'infected', 'infected', 'a', ['it can be downloaded']],
    [
      'a scan that was given up',
      undefined,
      'failed',
      undefined,
      ['its verdict is failed, not clean or infected or unscannable'],
    ],
  ] as const;
  for (const [what, expected, state, downloaded, faults] of cases) {
    it(`knows: ${what}`, () => {
      const known = { ...sample, ...(expected && { expected }) };
      assert.deepEqual(faultsOf(known, sent, { id: '1', state }, downloaded), faults);
    });
  }

  it('is shown in aligned columns', () => {
    const columns = [
      column<[string, string]>('name', ([name]) => name),
      column<[string, string]>('size', ([, size]) => size, 'right'),
    ];
    const lines = table(columns, [
      ['a', '1'],
      ['longer', '1,000'],
    ]);
    assert.equal(lines, 'name     size\na           1\nlonger  1,000');
  });
});
