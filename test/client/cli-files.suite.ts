import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import type { Handle } from '../../client/src/index.ts';
import { noise } from '../support/noise.ts';
import { EICAR, Service } from '../support/service.ts';
import { BadLine, commandLine, Folder } from './fixture.ts';

describe('client: the command line with several files', () => {
  const service = new Service();
  const folder = new Folder();
  const line = new BadLine(() => service.url);
  const fileshare = commandLine(service, folder);

  async function upload(content: string | Uint8Array, name: string): Promise<string> {
    const input = Buffer.from(content);
    const ran = await fileshare(['upload', '-', '--name', name, '--wait', '--json'], { input });
    return (JSON.parse(ran.stdout) as Handle).id;
  }

  it('downloads several into a folder that it makes, and numbers names that are the same', async () => {
    const ids = [
      await upload('one', 'a.txt'),
      await upload('two', 'a.txt'),
      await upload('three', '../../A.TXT'),
      await upload(noise(1000), '../.b'),
    ];
    const ran = await fileshare(['download', ...ids, ...ids, '-o', 'new/folder']);
    assert.equal(ran.code, 0, ran.stderr);
    assert.equal(ran.stderr.match(/ bytes, verified$/gm)?.length, 4);
    const names = ['A (3).TXT', 'a (2).txt', 'a.txt', 'b'];
    assert.deepEqual((await readdir(folder.path('new', 'folder'))).sort(), names);
    const content = (name: string) => readFile(folder.path('new', 'folder', name), 'utf8');
    assert.deepEqual(await Promise.all(names.slice(0, 3).map(content)), ['three', 'two', 'one']);

    const again = await fileshare([
      'download',
      ...ids,
      '-o',
      'new/folder',
      '--force',
      '--json',
      '--parallel',
      '1',
    ]);
    assert.deepEqual([again.code, again.stderr], [0, '']);
    const saved = again.stdout
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as { id: string; path: string });
    assert.deepEqual(
      saved.map(({ id }) => id),
      ids,
    );
    assert.equal((await readdir(folder.path('new', 'folder'))).length, 4);
  });

  it('downloads the others when one is refused, and ends with the gravest', async () => {
    const clean = await upload('clean', 'clean.txt');
    const infected = await upload(EICAR, 'eicar.txt');
    await mkdir(folder.path('mixed'));
    const ran = await fileshare(['download', 'none', infected, clean, '-o', 'mixed']);
    assert.equal(ran.code, 3, ran.stderr);
    assert.match(ran.stderr, /^none: .*404\)$/m);
    assert.match(ran.stderr, new RegExp(`^${infected}: .*451|403|410`, 'm'));
    assert.deepEqual(await readdir(folder.path('mixed')), ['clean.txt']);
    const json = await fileshare(['download', 'none', clean, '-o', 'mixed', '--json']);
    const failures = json.stderr
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as { file: string; code: string });
    assert.deepEqual(
      failures.map(({ file, code }) => [file, code]),
      [
        ['none', 'not-found'],
        [clean, 'usage'],
      ],
    );
    assert.equal(json.code, 2, 'clean.txt exists');
  });

  it('never writes through a link that has the name of a file', async () => {
    const id = await upload('new', 'link.txt');
    await writeFile(folder.path('target.txt'), 'old');
    await mkdir(folder.path('links'));
    await symlink(folder.path('target.txt'), folder.path('links', 'link.txt'));
    assert.equal((await fileshare(['download', id, '-o', 'links'])).code, 2);
    assert.equal((await fileshare(['download', id, '-o', 'links', '--force'])).code, 0);
    assert.equal(await readFile(folder.path('target.txt'), 'utf8'), 'old');
    assert.equal(await readFile(folder.path('links', 'link.txt'), 'utf8'), 'new');
  });

  it('refuses several files for one place', async () => {
    await writeFile(folder.path('file.txt'), 'kept');
    for (const args of ['download a b -o -', 'download a b -o file.txt', 'download a -o file.txt/']) {
      const { code, stdout } = await fileshare(args.split(' '));
      assert.deepEqual([code, stdout], [2, ''], args);
    }
    assert.equal(await readFile(folder.path('file.txt'), 'utf8'), 'kept');
  });

  it('stops all at Ctrl-C, and leaves no half file', async () => {
    const ids = await Promise.all([1, 2, 3].map((at) => upload(noise(3_000_000, at), `${at}.bin`)));
    await service.fault({ operation: 'objects.getMedia', bucket: 'permanent', effect: { kind: 'stall' } });
    line.expect();
    const ran = await fileshare(['download', ...ids, '-o', 'stopped'], {
      env: { FILESHARE_URL: line.url },
      started: (kill) => line.at(1, () => kill('SIGINT')),
    });
    await service.clearFaults();
    assert.equal(ran.code, 130, ran.stderr);
    assert.deepEqual(await readdir(folder.path('stopped')), []);
  });

  it('adds, lists and removes the resources that keep a file', async () => {
    const id = await upload('kept', 'kept.txt');
    const uris = [
      'https://ehr.example/fhir/DocumentReference/1',
      'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
    ];
    for (let repeats = 0; repeats < 2; repeats++) {
      const added = await fileshare(['refs', 'add', id, ...uris]);
      assert.deepEqual([added.code, added.stdout], [0, '']);
      assert.match(added.stderr, /^[0-9a-v]{43}: kept for https:/);
    }
    const listed = await fileshare(['refs', 'ls', id]);
    assert.deepEqual(listed.stdout.trim().split('\n').sort(), uris);
    assert.equal((await fileshare(['rm', id])).code, 5, 'a file that is referred to');
    const removed = await fileshare(['refs', 'rm', id, ...uris, '--json']);
    assert.deepEqual(
      removed.stdout
        .trim()
        .split('\n')
        .map((text) => JSON.parse(text) as unknown),
      uris.map((uri) => ({ id, uri, referenced: false })),
    );
    assert.equal((await fileshare(['refs', 'ls', id, '--json'])).stdout, '');
    assert.equal((await fileshare(['rm', id])).code, 0);
    assert.equal((await fileshare(['refs', 'add', id, 'no-uri'])).code, 5);
    assert.equal((await fileshare(['refs', 'ls', 'none'])).code, 7);
    assert.equal((await fileshare(['refs'])).code, 2);
  });

  it('gives a grant and a file an end, and tells both', async () => {
    const input = Buffer.from('for a while');
    const uploaded = await fileshare(['upload', '-', '--name', 'a.txt', '--expires', '2w', '--json'], {
      input,
    });
    const { id, expiresAt = '' } = JSON.parse(uploaded.stdout) as Handle;
    const days = (Date.parse(expiresAt) - Date.now()) / 86_400_000;
    assert.ok(days > 13 && days <= 14, expiresAt);
    const shared = await fileshare(['share', id, 'org:974652269', 'group:a', '--until', '2099-01-01']);
    assert.match(shared.stdout, /^viewer {2}org:974652269 {2}until 2099-01-01T00:00:00.000Z$/m);
    assert.match(shared.stdout, /^viewer {2}group:a {2}until 2099/m);
    const again = await fileshare(['share', id, 'group:a', '--json']);
    const { until } = JSON.parse(again.stdout) as { until: object };
    assert.deepEqual(until, { 'org:974652269': '2099-01-01T00:00:00.000Z' });
    const moved = await fileshare(['expire', id, '2099-02-01T00:00:00Z']);
    assert.match(moved.stdout, /expires 2099-02-01T00:00:00.000Z/);
    assert.match((await fileshare(['status', id])).stdout, /expires 2099-02-01/);
    assert.doesNotMatch((await fileshare(['expire', id, 'never'])).stdout, /expires/);
    for (const wrong of ['soon', '0d', '7x', '2026-99-99'])
      assert.equal((await fileshare(['expire', id, wrong])).code, 2, wrong);
    assert.equal((await fileshare(['share', id, 'org:5', '--until', '2001-01-01'])).code, 5);
  });
});
