import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { reservePorts } from '../infra/local/processes/ports.ts';
import { EICAR, eventually, Service } from './support/service.ts';

const ROOT = join(import.meta.dirname, '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

/** The blocks of a page that are to be pasted into a shell, in their order. */
function blocks(page: string): readonly string[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);
}

describe('README.md', () => {
  it('fits two screens', () => {
    assert.ok(README.split('\n').length <= 150);
  });

  it('shows a picture that is there and small', () => {
    const [, path = ''] = /!\[[^\]]+\]\(([^)]+)\)/.exec(README) ?? [];
    const { size } = statSync(join(ROOT, path));
    assert.ok(size > 0 && size < 150_000, `${path} has ${size} bytes`);
  });
});

describe('commands of the README and the tutorial', () => {
  const service = new Service();

  /** The output of the shell for a block, with the ports of this service. */
  async function paste(block: string | undefined): Promise<string> {
    assert.ok(block);
    const text = block
      .replaceAll('127.0.0.1:8080', new URL(service.url).host)
      .replaceAll('127.0.0.1:8085', service.platform.pubsubHost);
    const folder = await mkdtemp(join(tmpdir(), 'fileshare-readme-'));
    const { stdout } = await promisify(execFile)('bash', ['-c', text], { cwd: folder });
    await rm(folder, { recursive: true });
    return stdout;
  }

  it('starts the service, uploads and waits in three lines', async () => {
    const [start = '', upload = ''] = blocks('README.md');
    assert.equal(start, 'npm start\n');
    assert.equal(upload.trim().split('\n').length, 2);
    assert.match(await paste(upload), /^HTTP\/1\.1 201 .*"state":"clean"/s);
  });

  it('uploads, waits, downloads and detects malware', async () => {
    const stdout = await paste(blocks('docs/getting-started.md')[1]);
    assert.match(stdout, /"state":"clean".*\nHello\n.*"type":"http:[^"]+\/problems\/file-infected"/s);
    assert.match(stdout, /"verdict":"clean"/);
  });
});

describe('commands of docs/subscribe.md', () => {
  const service = new Service();
  const pasted: ChildProcess[] = [];
  const [subscriber = '', endpoint = '', subscription = ''] = blocks('docs/subscribe.md');
  let endpointPort: number;

  before(async () => {
    const [port] = await reservePorts('127.0.0.1', [{ port: 0, variable: '' }]);
    assert.ok(port);
    endpointPort = port;
  });

  after(() => {
    for (const { pid, exitCode } of pasted) if (pid && exitCode === null) process.kill(-pid, 'SIGKILL');
  });

  /** Runs a block as it stands, but for the ports, which others on this machine may have. */
  function paste(block: string) {
    const text = block
      .replaceAll('127.0.0.1:8085', service.platform.pubsubHost)
      .replaceAll('127.0.0.1:9090', `127.0.0.1:${endpointPort}`)
      .replaceAll('listen(9090,', `listen(${endpointPort},`);
    const child = spawn('bash', ['-c', text], { cwd: ROOT, detached: true });
    const output = { text: '' };
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output.text += chunk;
      });
    }
    pasted.push(child);
    return { child, output };
  }

  const exists = (name: string) =>
    eventually(async () => {
      const path = `/v1/projects/fileshare-local/subscriptions/${name}`;
      return (await fetch(`http://${service.platform.pubsubHost}${path}`)).ok;
    });

  for (const [what, block] of [
    ['subscriber', subscriber],
    ['endpoint', endpoint],
  ] as const) {
    it(`is a ${what} of at most fifteen lines`, () => {
      const lines = block.split('\n').filter((line) => line.trim() !== '');
      assert.ok(lines.length > 5 && lines.length <= 15 + 2, `${lines.length} with those of the shell`);
    });
  }

  it('pulls when it is pasted', async () => {
    const { output } = paste(subscriber);
    await exists('my-subscriber');
    const { id } = await service.upload('Hello');
    await eventually(async () => output.text.includes(id));
    assert.match(output.text, /^no\.nav\.hops\.fileshare\.scan\.completed\.v1 \{\n/);
    assert.match(output.text, /verdict: 'clean'/);
  });

  it('is pushed to when it is pasted, what is infected alone', async () => {
    const { output } = paste(endpoint);
    const url = `http://127.0.0.1:${endpointPort}/`;
    const refusal = await eventually(() => fetch(url, { method: 'POST' }).catch(() => undefined));
    assert.equal(refusal.status, 400, 'of what is no push');
    const curl = paste(subscription);
    const [code] = await once(curl.child, 'exit');
    assert.equal(code, 0, curl.output.text);
    assert.match(curl.output.text, /"name": ?"projects\/fileshare-local\/subscriptions\/my-endpoint"/);
    assert.match(curl.output.text, /HTTP\/1\.1 204/);
    assert.match(output.text, /scan\.completed\.v1 \{ verdict: 'infected' \}/);
    const clean = await service.upload('Hello again');
    await service.decided(clean.id);
    const infected = await service.upload(EICAR);
    await eventually(async () => output.text.includes(infected.id));
    assert.ok(!output.text.includes(clean.id));
  });
});
