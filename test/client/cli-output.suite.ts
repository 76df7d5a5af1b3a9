import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Handle, ScanEvent } from '../../client/src/index.ts';
import { EICAR, OWNER, Service } from '../support/service.ts';
import { commandLine, Folder, MAIN, run } from './fixture.ts';

const OTHER = 'org:974652269';

interface Failure {
  readonly type: string;
  readonly title: string;
  readonly status?: number;
  readonly detail?: string;
  readonly code: string;
  readonly exitCode: number;
  readonly file?: string;
}

describe('client: the output of the command line', () => {
  const service = new Service();
  const folder = new Folder();
  const fileshare = commandLine(service, folder, () => ({
    PUBSUB_EMULATOR_HOST: service.platform.pubsubHost,
  }));

  before(async () => {
    await writeFile(folder.path('clean.txt'), 'clean');
    await writeFile(folder.path('eicar.txt'), EICAR);
  });

  async function upload(file = 'clean.txt'): Promise<Handle> {
    return JSON.parse((await fileshare(['upload', file, '--wait', '--json'])).stdout) as Handle;
  }

  it('has the version of the package', async () => {
    const manifest = await readFile(join(import.meta.dirname, '../../client/package.json'), 'utf8');
    const { version } = JSON.parse(manifest) as { version: string };
    assert.equal((await fileshare(['--version'])).stdout, `${version}\n`);
  });

  it('is JSON for every command that succeeds with --json', async () => {
    const { id } = await upload();
    const { id: gone } = await upload();
    const { sweeperUrl } = service.platform;
    const operator = await service.platform.identityToken('operator', sweeperUrl);
    const env = { FILESHARE_SWEEPER_URL: sweeperUrl, FILESHARE_OPERATOR_TOKEN: operator };
    const commands = [
      `status ${id}`,
      `wait ${id}`,
      `share ${id} ${OTHER}`,
      `unshare ${id} ${OTHER}`,
      `rescan ${id}`,
      `download ${id} -o saved.txt`,
      `receipts ${id}`,
      'ls',
      `verdict ${id}`,
      `verdict ${id} --jws`,
      `rm ${gone}`,
      'token',
      'completion bash',
      'admin sweep',
    ];
    for (const command of commands) {
      const { code, stdout, stderr } = await fileshare([...command.split(' '), '--json'], { env });
      assert.deepEqual([code, stderr], [0, ''], command);
      const lines = stdout.trimEnd().split('\n');
      for (const line of lines) assert.equal(typeof JSON.parse(line), 'object', command);
    }
  });

  it('is a problem document on standard error for every failure with --json', async () => {
    const { id } = await upload('eicar.txt');
    const failures: Readonly<Record<string, Partial<Failure>>> = {
      '': { code: 'usage', exitCode: 2, detail: 'No command is given.' },
      uplod: { code: 'usage', exitCode: 2 },
      'ls --limit 0': { code: 'usage', exitCode: 2 },
      'ls --url nowhere': { code: 'usage', exitCode: 2 },
      'ls --url http://127.0.0.1:9': { code: 'unreachable', exitCode: 5 },
      'status none': { code: 'not-found', status: 404, exitCode: 7 },
      [`download ${id} -o x`]: { code: 'file-infected', exitCode: 3 },
      'upload none.txt': { code: 'failed', exitCode: 5, file: 'none.txt' },
      'upload - clean.txt -q': { code: 'usage', exitCode: 2, file: '-' },
      'ls --owner org:974652269': { status: 403, exitCode: 7 },
    };
    const check = async ([args, expected]: [string, Partial<Failure>]) => {
      const ran = await fileshare([...args.split(' ').filter(Boolean), '--json']);
      const [document = '', ...words] = ran.stderr.trimEnd().split('\n');
      const failure = JSON.parse(document) as Failure;
      assert.deepEqual({ ...failure, ...expected }, failure, args);
      assert.equal(ran.code, failure.exitCode, args);
      assert.ok(failure.type && failure.title, args);
      assert.deepEqual(words, [], args);
    };
    await Promise.all(Object.entries(failures).map(check));
  });

  it('tells a failed part of a command even with --quiet', async () => {
    const ran = await fileshare(['upload', 'none.txt', 'clean.txt', '-q']);
    assert.equal(ran.code, 5);
    assert.match(ran.stderr, /^none\.txt: ENOENT[^\n]*\n$/);
    assert.match(ran.stdout, /^[0-9a-v]{43}\n$/, 'the id alone');
  });

  it('is ids alone with --quiet', async () => {
    const { id } = await upload();
    for (const args of [
      ['status', id],
      ['wait', id],
      ['rescan', id],
    ]) {
      assert.deepEqual(await fileshare([...args, '-q']), { code: 0, stdout: `${id}\n`, stderr: '' });
    }
  });

  it('tells each request with --verbose, by the trace that events continue, and never a token', async () => {
    const token = await service.platform.token(OWNER);
    const subscription = 'projects/fileshare-local/subscriptions/scan-events-cli';
    const ran = await fileshare(['upload', 'clean.txt', '--wait', '--verbose', '--json'], {
      env: { FILESHARE_TOKEN: token },
    });
    assert.equal(ran.code, 0);
    const lines = ran.stderr.trimEnd().split('\n');
    const [, trace = ''] = / trace ([0-9a-f]{32}) span [0-9a-f]{16}/.exec(lines[0] ?? '') ?? [];
    assert.match(
      lines[0] ?? '',
      new RegExp(`^POST ${service.url}/files 20[12] \\d+ ms trace ${trace} span `),
    );
    assert.match(
      lines[1] ?? '',
      new RegExp(`^GET ${service.url}/files/[^/?]+/status 200 \\d+ ms trace ${trace}`),
    );
    assert.ok(!ran.stderr.includes(token) && !/bearer/i.test(ran.stderr));
    const { id } = JSON.parse(ran.stdout) as Handle;
    const watched = await fileshare(['watch', '--subscription', subscription, '--json'], {
      watch: (output, kill) => void (output.includes(`"fileId":"${id}"`) && kill('SIGINT')),
    });
    const event = watched.stdout
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as ScanEvent)
      .find(({ data }) => 'fileId' in data && data.fileId === id);
    assert.equal(event?.traceparent?.split('-')[1], trace);
  });

  it('passes on no character of an event that could command a terminal', async () => {
    const at = '2026-11-23T18:14:36.369Z';
    const fileId = 'dul5o97iubnr643anjrka7ngal8gr9hlvnloro5f8vi';
    const data = {
      fileId,
      verdict: 'infected',
      signature: 'Eicar\u001b]0;owned\u0007',
      owner: OWNER,
      contentType: 'text/plain',
      createdAt: at,
      scannedAt: at,
    };
    const attributes = {
      'ce-specversion': '1.0',
      'ce-id': 'one of a hostile publisher',
      'ce-source': 'https://fileshare.example.org/files',
      'ce-time': at,
      'ce-type': 'no.nav.hops.fileshare.scan.completed.v1',
    };
    const message = { attributes, data: Buffer.from(JSON.stringify(data)).toString('base64') };
    const pubsub = createServer((_, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ receivedMessages: [{ ackId: 'a', message }] }));
    });
    await once(pubsub.listen(0, '127.0.0.1'), 'listening');
    const { port } = pubsub.address() as AddressInfo;
    try {
      const subscription = 'projects/fileshare-local/subscriptions/hostile';
      const { stdout } = await fileshare(['watch', '--subscription', subscription, '--count', '1'], {
        env: { PUBSUB_EMULATOR_HOST: `127.0.0.1:${port}` },
      });
      assert.ok(stdout.includes(`${fileId}  (Eicar]0;owned)`), stdout);
    } finally {
      pubsub.close();
    }
  });

  it('tells a request without an answer with --verbose', async () => {
    const ran = await fileshare(['ls', '--verbose', '--url', 'http://127.0.0.1:9']);
    assert.match(ran.stderr, /^GET http:\/\/127\.0\.0\.1:9\/files no answer \d+ ms trace /);
  });

  it('has colours at a terminal, and none with NO_COLOR or in a pipe', async function () {
    if (spawnSync('script', ['--version']).status !== 0) return this.skip();
    const { id } = await upload('eicar.txt');
    const env = {
      FILESHARE_URL: service.url,
      FILESHARE_TOKEN: await service.platform.token(OWNER),
      TERM: 'xterm-256color',
    };
    // Node takes these for what a terminal can do.
    const plain = 'env -u CI -u FORCE_COLOR -u NODE_DISABLE_COLORS';
    const shown = async (more: Readonly<Record<string, string>>, command: string) => {
      const { stdout } = await run(
        'script',
        ['-qec', `${plain} ${process.execPath} ${MAIN} ${command}`, '/dev/null'],
        { env: { ...env, ...more } },
      );
      return stdout.includes('\u001b[');
    };
    for (const command of [`status ${id}`, 'ls --limit 1']) {
      assert.equal(await shown({ NO_COLOR: '' }, command), true, command);
      assert.equal(await shown({ NO_COLOR: '1' }, command), false, command);
    }
    assert.ok(!(await fileshare(['status', id])).stdout.includes('\u001b'));
  });
});
