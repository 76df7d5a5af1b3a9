import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logbook, openLogbook } from '../../../../infra/local/processes/logbook.ts';
import { groupAlive } from '../../../../infra/local/processes/process-group.ts';
import { type ProcessGuard, startProcessGuard } from '../../../../infra/local/processes/process-guard.ts';
import { StartupError, type Supervised, supervise } from '../../../../infra/local/processes/supervisor.ts';
import { eventually } from '../eventually.ts';

const READY = 'process.send({ready: true, pid: process.pid}); setInterval(() => {}, 1000);';

describe('the supervisor', () => {
  const started: Supervised[] = [];
  let folder: string;
  let guard: ProcessGuard;
  let logbook: Logbook;
  let notices: string[];
  let heard: { until: (pattern: RegExp) => Promise<string>; hear: (line: string) => void };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fileshare-'));
    guard = startProcessGuard();
    notices = [];
    heard = listener(notices);
    logbook = openLogbook(folder, heard.hear);
  });

  afterEach(async () => {
    await Promise.all(started.splice(0).map((child) => child.stop(0)));
    await logbook.close();
    guard.release();
    rmSync(folder, { recursive: true });
  });

  function start(code: string, onReady?: () => Promise<void>): Supervised {
    const spec = { name: 'worker', args: ['-e', code], env: {} };
    const child = supervise(spec, { guard, logbook, ...(onReady && { onReady }) });
    started.push(child);
    return child;
  }

  it('starts a dead child again, says how it ended and where its log is, and waits longer each time', async () => {
    const child = start(READY);
    await child.ready;
    for (const wait of ['0.1', '0.2', '0.4']) {
      process.kill(child.status().pid ?? Number.NaN, 'SIGKILL');
      await heard.until(/worker stopped \(signal SIGKILL\)/);
      assert.match(
        notices.at(-1) ?? '',
        new RegExp(`Restarting in ${wait.replace('.', '\\.')} s; its log is .*worker\\.log$`),
      );
      await heard.until(/worker serves again/);
    }
    assert.equal(child.status().restarts, 3);
    assert.equal(child.status().state, 'ready');
  });

  it('prepares a child anew each time it has become ready', async () => {
    let prepared = 0;
    const child = start(READY, async () => {
      prepared += 1;
    });
    await child.ready;
    process.kill(child.status().pid ?? Number.NaN, 'SIGKILL');
    await heard.until(/serves again/);
    assert.equal(prepared, 2);
  });

  it('gives up a child that never becomes ready, with its last words and nothing else', async () => {
    const child = start('console.error("no such bucket"); process.exit(3)');
    await assert.rejects(child.ready, (error) => {
      assert.ok(error instanceof StartupError);
      assert.match(
        error.message,
        /^worker does not start \(exit code 3\)\. Its last words:\n {2}no such bucket$/,
      );
      return true;
    });
    assert.deepEqual(notices, []);
  });

  it('ends a child that ignores SIGTERM', async () => {
    const child = start(`process.on('SIGTERM', () => {}); ${READY}`);
    const { pid } = await child.ready;
    await child.stop(50);
    assert.equal(child.status().state, 'stopped');
    assert.equal(groupAlive(Number(pid)), false);
  });

  it('lets a child finish that heeds SIGTERM, and does not start it again', async () => {
    const child = start(
      `process.on('SIGTERM', () => { console.log('finished'); process.exit(); }); ${READY}`,
    );
    await child.ready;
    await child.stop(60_000);
    assert.deepEqual(logbook.lastLines('worker'), ['finished']);
    assert.deepEqual(notices, []);
  });

  it('stops a child that waits for its restart at once', async () => {
    const child = start(READY);
    await child.ready;
    process.kill(child.status().pid ?? Number.NaN, 'SIGKILL');
    await heard.until(/Restarting/);
    await child.stop(60_000);
    assert.equal(child.status().restarts, 0);
  });

  it('kills what a child leaves behind', async () => {
    const orphan = `require('node:child_process').spawn('sleep', ['1000'], {stdio: 'inherit'});`;
    const child = start(`${orphan} ${READY} process.on('SIGTERM', () => process.exit());`);
    const { pid } = await child.ready;
    await child.stop(60_000);
    await eventually(() => !groupAlive(Number(pid)));
  });

  it('writes all that a child says to its log, and shows warnings', async () => {
    const lines = ['{"level":30,"msg":"all well"}', '{"severity":"WARNING","message":"disk is filling"}'];
    const child = start(`${JSON.stringify(lines)}.forEach((line) => console.log(line)); ${READY}`);
    await child.ready;
    await heard.until(/disk is filling/);
    await child.stop(60_000);
    await logbook.close();
    assert.deepEqual(readFileSync(join(folder, 'worker.log'), 'utf8').trim().split('\n'), lines);
    assert.equal(notices.length, 1);
  });
});

/** Hears lines, and waits for one that has not been waited for yet. */
function listener(lines: string[]) {
  let waiting: { pattern: RegExp; found: (line: string) => void } | undefined;
  let next = 0;
  const look = () => {
    while (waiting && next < lines.length) {
      const line = lines[next] ?? '';
      next += 1;
      if (!waiting.pattern.test(line)) continue;
      waiting.found(line);
      waiting = undefined;
    }
  };
  return {
    hear(line: string) {
      lines.push(line);
      look();
    },
    until: (pattern: RegExp) =>
      new Promise<string>((found) => {
        waiting = { pattern, found };
        look();
      }),
  };
}
