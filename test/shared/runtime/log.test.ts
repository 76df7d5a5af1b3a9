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
});
