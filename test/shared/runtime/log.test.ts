import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../../..');

describe('A log line', () => {
  it('is out when the call returns, whatever ends the process after that', async () => {
    const program = `
      import { createLog } from './shared/runtime/log.ts';
      const log = createLog('doomed', 'info');
      for (let line = 0; line < 100; line++) log.info({ line }, 'said');
      process.kill(process.pid, 'SIGKILL');
    `;
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { cwd: ROOT });
    const { signal, stdout } = await run.then(
      () => assert.fail('it went on'),
      (error: { signal: string; stdout: string }) => error,
    );
    assert.equal(signal, 'SIGKILL');
    const lines = stdout.trim().split('\n');
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as { line: number }).line),
      Array.from({ length: 100 }, (_, line) => line),
    );
  });

  it('of an error carries its stack where Error Reporting looks for one', async () => {
    const lines = await linesOf(`
      import { createLog } from './shared/runtime/log.ts';
      const log = createLog('faulty', 'info').child({ requestId: '1' });
      const err = new RangeError('too far', { cause: new Error('behind it') });
      log.error({ err, fileId: 'a' }, 'scan not completed');
      log.fatal(err);
      log.error({ err: 'no error' }, 'odd');
      log.error('only words');
      log.warn({ err }, 'not ready');
    `);
    const [scan, fatal, odd, words, warning] = lines;
    assert.equal(scan?.['severity'], 'ERROR');
    assert.equal(scan?.['message'], 'scan not completed');
    assert.equal(scan?.['fileId'], 'a');
    assert.equal(scan?.['requestId'], '1');
    assert.match(String(scan?.['stack_trace']), /^RangeError: too far\n {4}at /);
    assert.match(JSON.stringify(scan?.['err']), /"type":"RangeError"/);
    assert.equal(fatal?.['severity'], 'CRITICAL');
    assert.equal(fatal?.['message'], 'too far');
    assert.match(String(fatal?.['stack_trace']), /^RangeError: too far\n {4}at /);
    assert.deepEqual(
      [odd, words].map((line) => line?.['message']),
      ['odd', 'only words'],
    );
    for (const line of [odd, words, warning]) assert.equal(line?.['stack_trace'], undefined);
  });
});

async function linesOf(program: string): Promise<Record<string, unknown>[]> {
  const args = ['--input-type=module', '-e', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}
