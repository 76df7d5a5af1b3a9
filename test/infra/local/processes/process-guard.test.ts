import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { groupAlive } from '../../../../infra/local/processes/process-group.ts';
import { eventually } from '../eventually.ts';

const GUARD = new URL('../../../../infra/local/processes/process-guard.ts', import.meta.url);

/** A parent that guards a child which ignores SIGTERM, and says the child's process id. */
const PARENT = `
  import { spawn } from 'node:child_process';
  import { startProcessGuard } from ${JSON.stringify(GUARD)};
  const guard = startProcessGuard();
  const stubborn = "process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000);";
  const child = spawn(process.execPath, ['-e', stubborn], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  guard.watch(child.pid);
  child.stdout.once('data', () => console.log(child.pid));
  process.on('SIGUSR2', () => { throw new Error('a fault'); });
  process.on('SIGINT', () => process.exit(130));
`;

describe('the process guard', () => {
  let parent: ChildProcess;
  let child: number;

  beforeEach(async () => {
    const args = ['--input-type=module', '-e', PARENT];
    parent = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    assert.ok(parent.stdout);
    const [line] = await once(createInterface({ input: parent.stdout }), 'line');
    child = Number(line);
    assert.ok(groupAlive(child));
  });

  for (const [how, signal] of [
    ['is killed without a chance to clean up', 'SIGKILL'],
    ['fails with an exception', 'SIGUSR2'],
    ['exits at once', 'SIGINT'],
  ] as const) {
    it(`leaves nothing behind when the platform ${how}`, async () => {
      parent.kill(signal);
      await once(parent, 'exit');
      await eventually(() => !groupAlive(child));
    });
  }
});
