import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { reservePorts } from '../../../infra/local/processes/ports.ts';

const HOST = '127.0.0.1';
const ROOT = join(import.meta.dirname, '../../..');
const require = createRequire(import.meta.url);
const FRAMEWORK = join(dirname(require.resolve('@google-cloud/functions-framework')), 'main.js');

describe('A function whose code fails where nobody catches it', () => {
  let child: ChildProcess;
  let url: string;
  let said: string;

  beforeEach(async () => {
    const [port] = await reservePorts(HOST, [{ port: 0, variable: '' }]);
    url = `http://${HOST}:${port}`;
    const args = [FRAMEWORK, '--target=clumsy', '--source=test/shared/framework/clumsy.ts', `--port=${port}`];
    child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
    said = '';
    child.stdout?.on('data', (chunk) => {
      said += chunk;
    });
    while ((await statusOf('/healthz')) !== 200) await delay(20);
  });
  afterEach(() => child.kill('SIGKILL'));

  const statusOf = (path: string): Promise<number | undefined> =>
    fetch(url + path).then(
      ({ status }) => status,
      () => undefined,
    );

  it('finishes what others asked for, is not ready any more, and ends with an error', async () => {
    const exited = once(child, 'exit');
    const slow = statusOf('/slow');
    while (!said.includes('asked for /slow')) await delay(10);
    const failed = [statusOf('/throw'), statusOf('/reject')];
    assert.equal(await slow, 204);
    assert.equal(await statusOf('/readyz'), 503);
    // Nobody knows what became of them, so they are not answered, and must not hold up the end for ever.
    assert.deepEqual(await Promise.all(failed), [undefined, undefined]);
    assert.deepEqual(await exited, [1, null]);
    const lines = said.split('\n').filter((line) => line.includes('uncaught error'));
    const errors = lines.map((line) => JSON.parse(line) as { severity: string; err: { message: string } });
    assert.deepEqual(errors.map(({ err }) => err.message).sort(), [
      'rejected and not awaited',
      'thrown in a timer',
    ]);
    assert.ok(errors.every(({ severity }) => severity === 'CRITICAL'));
  });

  it('is in no domain, which would follow every promise', async () => {
    const { headers } = await fetch(`${url}/domain`);
    assert.equal(headers.get('x-domain'), 'none');
  });
});
