import assert from 'node:assert/strict';
import { appendFile, mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import type { Handle } from '../../client/src/index.ts';
import { noise } from '../support/noise.ts';
import { EICAR, Service } from '../support/service.ts';
import { BadLine, commandLine, Folder, type Ran } from './fixture.ts';

const COUNT = 20;
const SIZE = 100_000;

describe('client: the command line with folders', () => {
  const service = new Service();
  const folder = new Folder();
  const line = new BadLine(() => service.url);
  const fileshare = commandLine(service, folder, () => ({ FILESHARE_URL: line.url }));

  before(async () => {
    await mkdir(folder.path('scans', 'a'), { recursive: true });
    await mkdir(folder.path('empty'));
    await writeFile(folder.path('scans', '1.txt'), 'one');
    await writeFile(folder.path('scans', '2.bin'), 'two');
    await writeFile(folder.path('scans', 'a', '3.txt'), 'three');
    await writeFile(folder.path('scans', 'a', 'eicar.com'), EICAR);
  });

  const namesIn = ({ stdout }: Ran) =>
    stdout
      .trim()
      .split('\n')
      .map((text) => (JSON.parse(text) as Handle).fileName);

  const journals = () => readdir(folder.path('state', 'hops-fileshare', 'folders')).catch(() => []);

  it('uploads the files in a folder, a line for each in their order, and a total', async () => {
    const ran = await fileshare(['upload', '-r', 'scans', '--wait', '--parallel', '3']);
    assert.equal(ran.code, 3, ran.stderr);
    assert.match(ran.stdout, /^clean .*1\.txt\nclean .*2\.bin\nclean .*3\.txt\ninfected .*eicar\.com .*\n$/);
    assert.equal(ran.stderr, '4 files: 3 clean, 1 infected; 79 B\n');
    assert.deepEqual(await journals(), [], 'nothing is left to continue');
  });

  it('takes the files that match, by name or by path', async () => {
    const args = ['upload', '--json', '-r', '--correlation-id', 'case-7'];
    assert.deepEqual(namesIn(await fileshare([...args, '--include', '*.txt', 'scans'])), ['1.txt', '3.txt']);
    assert.deepEqual(namesIn(await fileshare([...args, 'scans', '--exclude', 'a/**', '--exclude', '2*'])), [
      '1.txt',
    ]);
  });

  it('gives each file the correlation id', async () => {
    await fileshare(['upload', '-r', 'scans', '--correlation-id', 'case-8']);
    const { stdout } = await fileshare(['ls', '-q', '--correlation-id', 'case-8']);
    assert.equal(stdout.trim().split('\n').length, 4);
  });

  it('refuses a folder without -r, patterns without it, and what has no files', async () => {
    const refusals: [string, RegExp][] = [
      ['upload scans', /^scans: It is a folder\. Use --recursive/],
      ['upload -r empty', /^empty: It has no files to upload/],
      ['upload -r scans --include *.none', /^scans: It has no files to upload/],
      ['upload scans/1.txt --include *.txt', /for --recursive/],
      ['upload -r scans --name x', /for one file/],
      ['upload scans/1.txt --parallel 0', /at least 1/],
    ];
    for (const [args, message] of refusals) {
      const { code, stdout, stderr } = await fileshare(args.split(' '));
      assert.deepEqual([code, stdout], [2, ''], args);
      assert.match(stderr, message);
    }
  });

  it('uploads the others when one fails', async () => {
    const ran = await fileshare(['upload', '-r', 'none.txt', 'scans', '--include', '*.txt', '--wait']);
    assert.equal(ran.code, 5);
    assert.match(ran.stderr, /^none\.txt: ENOENT.*\n3 files: 1 not uploaded, 2 clean; 8 B\n$/);
    assert.equal(ran.stdout.match(/^clean/gm)?.length, 2);
    const [journal = ''] = await journals();
    const { mode } = await stat(folder.path('state', 'hops-fileshare', 'folders', journal));
    assert.equal(mode & 0o777, 0o600);
  });

  describe('after a break', () => {
    const listed = async () => {
      const { stdout } = await fileshare(['ls', '--json']);
      const handles = stdout
        .trim()
        .split('\n')
        .map((text) => JSON.parse(text) as Handle);
      return handles.filter(({ fileName }) => fileName?.startsWith('part-'));
    };
    const names = Array.from({ length: COUNT }, (_, at) => `part-${String(at).padStart(2, '0')}`);
    const upload = ['upload', '-r', 'many', '--parallel', '2', '--json'];

    before(async () => {
      await mkdir(folder.path('many'));
      for (const [at, name] of names.entries()) await writeFile(folder.path('many', name), noise(SIZE, at));
    });

    it('sends only the rest, and no file twice', async () => {
      line.expect();
      const first = await fileshare(upload, { started: (kill) => line.at(10 * SIZE, () => kill('SIGINT')) });
      assert.equal(first.code, 130, first.stderr);
      line.expect();
      // A crash in the middle of a line of the journal spoils only that line.
      for (const name of await journals())
        await appendFile(folder.path('state', 'hops-fileshare', 'folders', name), '\n{"finger');
      const second = await fileshare(upload);
      assert.equal(second.code, 0, second.stderr);
      assert.deepEqual(namesIn(second), names);
      assert.ok(line.sent < 15 * SIZE, String(line.sent));
      assert.deepEqual((await listed()).map(({ fileName }) => fileName).sort(), names);
    });

    it('sends again what has changed or was deleted in between', async () => {
      const broken = await fileshare([...upload, 'none.txt']);
      assert.equal(broken.code, 5);
      const [gone = ''] = broken.stdout.split('\n').map((text) => (JSON.parse(text || '{}') as Handle).id);
      assert.equal((await fileshare(['rm', gone])).code, 0);
      await utimes(folder.path('many', 'part-01'), 1, 1);
      line.expect();
      const again = await fileshare([...upload, 'none.txt']);
      assert.equal(namesIn(again).length, COUNT);
      assert.ok(line.sent > 2 * SIZE && line.sent < 3 * SIZE, String(line.sent));
      assert.ok(!again.stdout.includes(gone));
    });
  });

  it('sends again what another caller has uploaded and shared', async () => {
    const other = 'org:974652269';
    const env = { FILESHARE_TOKEN: await service.platform.token(other) };
    await mkdir(folder.path('common'));
    await writeFile(folder.path('common', 'a.txt'), 'common');
    const upload = ['upload', '-r', 'common', 'none.txt', '--json'];
    const { id } = JSON.parse((await fileshare(upload)).stdout) as Handle;
    assert.equal((await fileshare(['share', id, other])).code, 0);
    const own = JSON.parse((await fileshare(upload, { env })).stdout) as Handle;
    assert.equal(own.owner, other);
    assert.notEqual(own.id, id);
  });

  it('uploads 1 000 files across a kill in the middle: none twice, none missing', async () => {
    const others = await journals();
    const names = Array.from({ length: 1000 }, (_, at) => `k-${String(at).padStart(3, '0')}`);
    await mkdir(folder.path('thousand'));
    for (const [at, name] of names.entries()) await writeFile(folder.path('thousand', name), noise(100, at));
    const upload = ['upload', '-r', 'thousand', '--json', '--correlation-id', 'thousand'];
    const first = await fileshare(upload, {
      watch: (output, kill) => void (output.split('\n').length > 450 && kill('SIGKILL')),
    });
    assert.equal(first.code, null);
    const before = first.stdout.split('\n').slice(0, -1);
    assert.ok(before.length >= 450 && before.length < 1000, String(before.length));

    line.expect();
    const second = await fileshare(upload);
    assert.equal(second.code, 0, second.stderr);
    assert.deepEqual(namesIn(second), names);
    const ids = new Set(
      second.stdout
        .trim()
        .split('\n')
        .map((text) => (JSON.parse(text) as Handle).id),
    );
    for (const text of before) assert.ok(ids.has((JSON.parse(text) as Handle).id), text);
    const { stdout } = await fileshare(['ls', '-q', '--correlation-id', 'thousand']);
    assert.deepEqual(stdout.trim().split('\n').sort(), [...ids].sort(), 'no other file was made');
    assert.deepEqual(await journals(), others, 'nothing is left to continue');
  });
});
