import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PlatformStatus } from '../../../../infra/local/page/status-page.ts';
import { folderHolder } from '../../../../infra/local/platform/folder-lock.ts';
import { groupAlive } from '../../../../infra/local/processes/process-group.ts';
import { eventually } from '../eventually.ts';
import { isLoopback, listeningSockets, withDescendants } from '../sockets.ts';

const START = fileURLToPath(new URL('../../../../infra/local/cli/start.ts', import.meta.url));

describe('npm start', () => {
  let data: string;
  const started: Started[] = [];

  before(() => {
    data = mkdtempSync(join(tmpdir(), 'fileshare-'));
  });

  afterEach(async () => {
    for (const { child, exited } of started.splice(0)) {
      child.kill('SIGKILL');
      await exited;
    }
  });

  after(() => rmSync(data, { recursive: true, force: true, maxRetries: 5 }));

  function start(env: NodeJS.ProcessEnv = {}, command = process.execPath, argument = START): Started {
    const ports = { PORT: '0', STORAGE_PORT: '0', PUBSUB_PORT: '0', MAX_SCAN_BYTES: '10000000' };
    const child = spawn(command, [argument], { env: { ...process.env, ...ports, DATA: data, ...env } });
    const output = { text: '' };
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output.text += chunk;
      });
    }
    const run = { child, output, exited: once(child, 'exit').then(([code]) => code as number | null) };
    started.push(run);
    return run;
  }

  it('says which port is in use and what chooses another, and leaves nothing behind', async () => {
    const other = createServer();
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
    const { port } = other.address() as AddressInfo;
    const { output, exited } = start({ PORT: String(port) });
    assert.equal(await exited, 1);
    assert.match(output.text, new RegExp(`^Port ${port} is in use\\..* PORT=${port + 1}\n$`));
    other.close();
  });

  it('says which variable is wrong', async () => {
    const { output, exited } = start({ PORT: 'http' });
    assert.equal(await exited, 1);
    assert.match(output.text, /^.*PORT .*\n$/);
  });

  it('refuses a second one in the same folder, and takes over from one that was killed', async () => {
    const first = start();
    const status = await ready(first);
    assert.equal(status.developmentSignatures, true);
    assert.match(first.output.text, /DEVELOPMENT SIGNATURES/);

    const second = start();
    assert.equal(await second.exited, 1);
    assert.match(
      second.output.text,
      /^HOPS Fileshare already runs in .* \(process \d+, http:.*\)\..* DATA=<folder>\n$/,
    );

    first.child.kill('SIGKILL');
    await eventually(() => status.processes.every(({ pid }) => !groupAlive(pid ?? Number.NaN)));
    const third = start();
    await ready(third);
    third.child.kill('SIGTERM');
    assert.equal(await third.exited, 0);
  });

  it('finishes an upload under way when it is interrupted, and leaves nothing behind', async () => {
    const run = start();
    const status = await ready(run);
    const token = await (await fetch(`${status.url}/local/token?principal=org:1`)).text();
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'text/plain',
      expect: '100-continue',
    };
    const post = request(`${status.url}/files`, { method: 'POST', headers });
    post.flushHeaders();
    await once(post, 'continue');
    run.child.kill('SIGINT');
    run.child.kill('SIGINT'); // As npm passes on what the terminal has sent already.
    await eventually(() => run.output.text.includes('Stopping'));
    post.end('the last words');
    const [answer] = await once(post, 'response');
    assert.equal(answer.statusCode, 202);
    assert.equal(await run.exited, 0);
    assert.ok(run.output.text.endsWith('Stopped.\n'));
    for (const { pid } of status.processes) assert.equal(groupAlive(pid ?? Number.NaN), false);
  });

  it('ends where npm alone is asked to end, as a supervisor asks', async () => {
    const run = start({}, 'npm', 'start');
    const status = await ready(run);
    run.child.kill('SIGTERM');
    await run.exited;
    await eventually(() => status.processes.every(({ pid }) => !groupAlive(pid ?? Number.NaN)));
  });

  it('listens on the loopback interface alone, in every process that it starts', async function () {
    if (process.platform !== 'linux') this.skip();
    const run = start();
    const status = await ready(run);
    const pids = withDescendants(run.child.pid ?? Number.NaN);
    for (const { name, pid } of status.processes) assert.ok(pids.includes(pid ?? 0), `${name} is looked at`);
    const listening = listeningSockets(pids);
    const ports = listening.map(({ port }) => port);
    for (const service of [status.url, status.storageUrl, `http://${status.pubsubHost}`]) {
      assert.ok(ports.includes(Number(new URL(service).port)), `${service} is among them`);
    }
    // Four functions and their fronts, both emulators, clamd and the gateway, at least.
    assert.ok(listening.length >= 12, JSON.stringify(listening));
    assert.deepEqual(
      listening.filter(({ address }) => !isLoopback(address)),
      [],
    );
  });

  it('gives up a start that is interrupted', async () => {
    const run = start();
    await eventually(() => folderHolder(data)?.url !== undefined);
    run.child.kill('SIGINT');
    assert.equal(await run.exited, 0);
    assert.doesNotMatch(run.output.text, /runs at/);
  });
});

interface Started {
  readonly child: ChildProcess;
  readonly output: { text: string };
  readonly exited: Promise<number | null>;
}

async function ready({ output, exited }: Started): Promise<PlatformStatus> {
  const failed = exited.then((code) => assert.fail(`it ended (${code}): ${output.text}`));
  await Promise.race([eventually(() => /runs at/.test(output.text)), failed]);
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output.text)?.[0];
  return (await (await fetch(`${url}/local/status.json`)).json()) as PlatformStatus;
}
