import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EICAR, eventually, Service } from '../support/service.ts';
import { commandLine, Folder } from './fixture.ts';

interface Line {
  readonly service: string;
  readonly message: string;
  readonly trace?: string;
  readonly sinceFirst: number;
  readonly sincePrevious: number;
}

describe('client: the trace of one file', () => {
  const service = new Service();
  const folder = new Folder();
  const fileshare = commandLine(service, folder);
  const logs = () => join(service.platform.status().data, 'logs');

  it('is told in order, from the upload to the end of its scan, with the milliseconds between', async () => {
    const { id } = await service.upload(EICAR);
    await service.upload('another file');
    await service.decided(id);
    const lines = await eventually(async () => {
      const { stdout, code } = await fileshare(['trace', id, '--logs', logs(), '--json']);
      if (code !== 0) return undefined;
      const found = stdout
        .trimEnd()
        .split('\n')
        .map((text) => JSON.parse(text) as Line);
      return found.some(({ message }) => message === 'scan completed') && found;
    });
    const messages = lines.map(({ service: name, message }) => `${name}: ${message}`);
    assert.ok(messages.indexOf('upload: file received') < messages.indexOf('scanner: scan completed'));
    const [received, completed] = ['file received', 'scan completed'].map((wanted) =>
      lines.find(({ message }) => message === wanted),
    );
    assert.equal(received?.trace, completed?.trace);
    const sum = lines.reduce((total, { sincePrevious }) => total + sincePrevious, 0);
    assert.equal(lines.at(-1)?.sinceFirst, sum);
    assert.ok(lines.every(({ sincePrevious }) => sincePrevious >= 0));
    assert.equal(lines.filter(({ message }) => message === 'file received').length, 1);

    const { stdout } = await fileshare(['trace', id, '--logs', logs()]);
    assert.match(stdout, /^ +0 ms +\+0 {2}upload +file received {2}owner=org:889640782 size=68 /);
    assert.match(stdout, /scanner +scan completed {2}verdict=infected /);
  });

  it('is a command for Cloud Logging where a project is named', async () => {
    const { id } = await service.upload('a file');
    const { stdout, code } = await fileshare(['trace', id, '--project', 'my-project']);
    assert.equal(code, 0);
    const filter = `jsonPayload.fileId="${id}" OR jsonPayload.audit.fileId="${id}"`;
    assert.ok(stdout.startsWith(`gcloud logging read '${filter}' --project=my-project --order=asc `), stdout);
  });

  it('is refused where the id is none, the project is none, no line names it, or there are no logs', async () => {
    const id = 'a'.repeat(43);
    await mkdir(folder.path('logs'));
    for (const [args, words] of [
      [['trace', "'; rm -rf ~"], /not the id of a file/],
      [['trace', id, '--project', "x' --help"], /id of a project/],
      [['trace', id, '--logs', logs()], /No line in .* names this file/],
      [['trace', id, '--logs', 'logs'], /no logs in logs/],
      [['trace', id, '--logs', 'nowhere'], /no logs in nowhere/],
    ] as const) {
      const { code, stderr, stdout } = await fileshare(args);
      assert.deepEqual([code, stdout], [2, ''], args.join(' '));
      assert.match(stderr, words);
    }
  });

  it('leaves out what commands a terminal, and lines that are none', async () => {
    const id = 'b'.repeat(43);
    await mkdir(folder.path('odd'));
    const line = { time: '2026-01-01T00:00:00Z', service: 'upload', message: '\u001b[2Jx', fileId: id };
    const lines = [JSON.stringify(line), `{"broken ${id}`, JSON.stringify({ fileId: id, time: 'never' })];
    await writeFile(folder.path('odd/upload.log'), lines.join('\n'));
    const { stdout } = await fileshare(['trace', id, '--logs', 'odd']);
    assert.equal(stdout, '       0 ms      +0  upload     DEFAULT [2Jx\n');
  });
});
