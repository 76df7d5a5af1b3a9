import assert from 'node:assert/strict';
import { pino } from 'pino';
import { type DeploymentState, formatState } from '../../../shared/deployment/state.ts';
import { DeploymentWatch } from '../../../shared/deployment/watch.ts';
import { StorageError } from '../../../shared/storage/error.ts';
import { MemoryBucket } from '../../support/memory-bucket.ts';

const REFRESH_MS = 30_000;
const AT = new Date('2026-11-29T12:00:00Z');
const OURS: DeploymentState = { claim: { deployment: 'ours', at: AT } };
const THEIRS: DeploymentState = { claim: { deployment: 'theirs', at: AT } };
const PAUSED: DeploymentState = { ...OURS, pause: { reason: 'r', at: AT, by: 'b' } };
const FORBIDDEN = new StorageError('objects.get', { status: 403, reason: 'forbidden' });
const UNAVAILABLE = new StorageError('objects.get', { status: 503, reason: 'backendError' });

describe('the watch of a deployment', () => {
  let reads: number;
  let next: DeploymentState | Error | undefined;
  let clock: number;
  let lines: { readonly level: number; readonly msg: string }[];
  let held: Promise<void> | undefined;

  function watch(): DeploymentWatch {
    const bucket = new MemoryBucket('permanent');
    const stat = async () => {
      reads++;
      const answer = next;
      await held;
      if (answer instanceof Error) throw answer;
      return answer && bucket.put('deployment/state', formatState(answer));
    };
    const log = pino({}, { write: (line) => void lines.push(JSON.parse(line)) });
    return new DeploymentWatch({
      permanent: { stat },
      deployment: 'ours',
      refreshMs: REFRESH_MS,
      log,
      clock: () => clock,
    });
  }

  beforeEach(() => {
    reads = 0;
    next = OURS;
    clock = 1_000_000;
    lines = [];
    held = undefined;
  });

  it('knows nothing before it has read', () => {
    assert.deepEqual([watch().state, watch().owner], [undefined, 'unknown']);
  });

  it('reads once for many requests, and not again within the interval', async () => {
    const watched = watch();
    await Promise.all([watched.refresh(), watched.refresh(), watched.refresh()]);
    assert.equal(watched.owner, 'us');
    clock += REFRESH_MS - 1;
    assert.equal(watched.refresh(), undefined);
    assert.equal(reads, 1);
  });

  it('has no request wait for the next reading, which happens beside it', async () => {
    const watched = watch();
    await watched.refresh();
    next = PAUSED;
    clock += REFRESH_MS;
    assert.equal(watched.refresh(), undefined);
    assert.deepEqual(watched.state, OURS);
    await new Promise(setImmediate);
    assert.deepEqual([watched.state, reads], [PAUSED, 2]);
  });

  it('has a request wait where what is known is ten intervals old', async () => {
    const watched = watch();
    await watched.refresh();
    next = PAUSED;
    clock += 10 * REFRESH_MS;
    await watched.refresh();
    assert.ok(watched.state?.pause);
  });

  it('keeps what it knows where the state cannot be read', async () => {
    const watched = watch();
    next = PAUSED;
    await watched.refresh();
    next = FORBIDDEN;
    clock += 10 * REFRESH_MS;
    await watched.refresh();
    assert.ok(watched.state?.pause);
    assert.equal(watched.owner, 'us');
  });

  it('is of nobody where there is no state, or no claim in it', async () => {
    for (const state of [undefined, {}]) {
      next = state;
      const watched = watch();
      await watched.refresh();
      assert.equal(watched.owner, 'nobody');
    }
  });

  it('says in an error line that the buckets are of another deployment, each time that it reads so', async () => {
    next = THEIRS;
    const watched = watch();
    await watched.refresh();
    await watched.refresh();
    assert.equal(watched.owner, 'another');
    clock += 10 * REFRESH_MS;
    await watched.refresh();
    const message = 'buckets belong to another deployment';
    assert.deepEqual(
      lines.map(({ level, msg }) => [level, msg]),
      [
        [50, message],
        [50, message],
      ],
    );
  });

  it('says in an error line that a permission is missing, and in a warning that storage does not answer', async () => {
    for (const [failure, level, message] of [
      [FORBIDDEN, 50, 'deployment state cannot be read'],
      [UNAVAILABLE, 40, 'deployment state not read'],
    ] as const) {
      lines = [];
      next = failure;
      const watched = watch();
      await watched.refresh();
      assert.equal(watched.owner, 'unknown');
      assert.deepEqual(
        lines.map((line) => [line.level, line.msg]),
        [[level, message]],
      );
    }
  });

  it('asks a storage that has just failed once a second', async () => {
    next = UNAVAILABLE;
    const watched = watch();
    await watched.refresh();
    await watched.refresh();
    assert.equal(reads, 1);
    clock += 1_000;
    next = OURS;
    await watched.refresh();
    assert.deepEqual([reads, watched.owner], [2, 'us']);
  });

  it('reads before a request asks for it, and the first request waits for that', async () => {
    const gate = Promise.withResolvers<void>();
    held = gate.promise;
    const watched = watch();
    watched.warm();
    const first = watched.refresh();
    gate.resolve();
    await first;
    assert.deepEqual([reads, watched.owner], [1, 'us']);
  });

  it('reads nothing beforehand where a request was faster', async () => {
    const watched = watch();
    await watched.refresh();
    watched.warm();
    assert.equal(reads, 1);
  });

  it('reports no failure before a request: the first request asks again', async () => {
    next = UNAVAILABLE;
    const watched = watch();
    watched.warm();
    await new Promise(setImmediate);
    next = OURS;
    await watched.refresh();
    assert.deepEqual([lines, watched.owner], [[], 'us']);
  });
});
