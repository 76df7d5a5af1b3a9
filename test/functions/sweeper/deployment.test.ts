import assert from 'node:assert/strict';
import { pino } from 'pino';
import {
  changeState,
  type DeploymentDeps,
  readState,
  requireOurs,
} from '../../../functions/sweeper/deployment/deployment.ts';
import { type DeploymentState, STATE_NAME } from '../../../shared/deployment/state.ts';
import type { Bucket } from '../../../shared/storage/bucket.ts';
import { FAST_RETRY } from '../../shared/storage/streams.ts';
import { SweeperFixture } from './fixture.ts';
import { type Hook, HookedBucket, straight } from './hooked-bucket.ts';

describe('the claim of a deployment on its buckets', () => {
  const fixture = new SweeperFixture(true);
  let lines: { readonly level: number; readonly msg: string; readonly owner?: string }[];

  beforeEach(() => {
    lines = [];
  });

  function deps(deployment: string, hook: Hook = straight): DeploymentDeps {
    const { name } = fixture.sweeper.permanent;
    const limits = { retry: FAST_RETRY, paced: true, timeoutMs: 30_000 };
    const permanent: Bucket = new HookedBucket(hook, fixture.connection, name, limits);
    const log = pino({}, { write: (line) => void lines.push(JSON.parse(line)) });
    return { permanent, deployment, now: fixture.sweeper.now, log };
  }
  const owner = async () => (await readState(fixture.sweeper)).claim?.deployment;
  const wrong = { type: 'wrong-deployment', status: 503 };

  it('is made by the first call of its sweeper, and only looked at from then on', async () => {
    await requireOurs(deps('one'));
    const object = await fixture.sweeper.permanent.stat(STATE_NAME);
    await requireOurs(deps('one'));
    assert.deepEqual(await fixture.sweeper.permanent.stat(STATE_NAME), object);
    assert.deepEqual(
      lines.map(({ msg }) => msg),
      ['buckets claimed'],
    );
  });

  it('keeps another deployment out, which says so in an error line and names the owner', async () => {
    await requireOurs(deps('one'));
    await assert.rejects(requireOurs(deps('two')), (problem: Error) => {
      assert.match(problem.message, /belong to one.* --from one$/);
      return true;
    });
    await assert.rejects(requireOurs(deps('two')), wrong);
    assert.deepEqual(
      lines.slice(1).map(({ level, msg, owner }) => [level, msg, owner]),
      [1, 2].map(() => [50, 'buckets belong to another deployment', 'one']),
    );
    assert.equal(await owner(), 'one');
  });

  it('is made by one of two deployments that meet', async () => {
    const both = Promise.withResolvers<void>();
    let looked = 0;
    const meeting: Hook = async (operation, _name, run) => {
      const done = await run();
      if (operation === 'stat' && ++looked === 2) both.resolve();
      if (looked <= 2) await both.promise;
      return done;
    };
    const claims = await Promise.allSettled(['one', 'two'].map((name) => requireOurs(deps(name, meeting))));
    assert.deepEqual(claims.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    const winner = claims[0]?.status === 'fulfilled' ? 'one' : 'two';
    assert.equal(await owner(), winner);
  });

  it('is made once by two instances of one deployment that meet', async () => {
    await Promise.all([requireOurs(deps('one')), requireOurs(deps('one'))]);
    assert.equal(await owner(), 'one');
    assert.equal(lines.filter(({ msg }) => msg === 'buckets claimed').length, 1);
  });

  it('is made by the next call where the process dies before the claim is written, and holds where it dies after', async () => {
    const dying: Hook = async (operation, _name, run) => {
      if (operation === 'insert') throw new Error('killed');
      return run();
    };
    await assert.rejects(requireOurs(deps('one', dying)), /killed/);
    assert.equal(await owner(), undefined);
    const late: Hook = async (operation, _name, run) => {
      const done = await run();
      if (operation === 'insert') throw new Error('killed');
      return done;
    };
    await assert.rejects(requireOurs(deps('one', late)), /killed/);
    await assert.rejects(requireOurs(deps('two')), wrong);
    await requireOurs(deps('one'));
  });

  it('is there once where the answer to it is lost', async () => {
    fixture.storage.emulator.faults.add({
      operation: 'objects.insert',
      times: 1,
      effect: { kind: 'reset', when: 'after' },
    });
    await requireOurs(deps('one'));
    await assert.rejects(requireOurs(deps('two')), wrong);
  });

  it('keeps a pause that was there before it', async () => {
    const pause = { reason: 'r', at: new Date(0), by: 'b' };
    await changeState(fixture.sweeper, (state) => ({ ...state, pause }));
    await requireOurs(deps('one'));
    assert.deepEqual((await readState(fixture.sweeper)).pause, pause);
  });

  it('is not made where the state cannot be read', async () => {
    fixture.storage.emulator.faults.add({
      operation: 'objects.get',
      effect: { kind: 'error', status: 403, reason: 'forbidden' },
    });
    await assert.rejects(requireOurs(deps('one')), { name: 'StorageError', status: 403 });
    fixture.storage.emulator.faults.clear();
    assert.equal(await owner(), undefined);
  });
});

describe('a change of the state of a deployment', () => {
  const fixture = new SweeperFixture(true);
  const pause = (reason: string) => (state: DeploymentState) => ({
    ...state,
    pause: { reason, at: new Date(0), by: 'b' },
  });
  const notice = (text: string) => (state: DeploymentState) => ({
    ...state,
    notice: { text, level: 'info' as const, at: new Date(0), by: 'b' },
  });

  it('loses nothing of another at the same time', async () => {
    await changeState(fixture.sweeper, pause('first'));
    await Promise.all([
      changeState(fixture.sweeper, pause('second')),
      changeState(fixture.sweeper, notice('n')),
    ]);
    const state = await readState(fixture.sweeper);
    assert.deepEqual([state.pause?.reason, state.notice?.text], ['second', 'n']);
  });

  it('is decided again on what another has written meanwhile', async () => {
    await changeState(fixture.sweeper, pause('first'));
    const seen: (string | undefined)[] = [];
    let raced = false;
    const racing: Hook = async (operation, _name, run) => {
      if (operation === 'patch' && !raced) {
        raced = true;
        await changeState(fixture.sweeper, pause('of another'));
      }
      return run();
    };
    const { name } = fixture.sweeper.permanent;
    const permanent = new HookedBucket(racing, fixture.connection, name, { retry: FAST_RETRY, paced: true });
    await changeState({ permanent }, (state) => {
      seen.push(state.pause?.reason);
      return pause('mine')(state);
    });
    assert.deepEqual(seen, ['first', 'of another']);
    assert.equal((await readState(fixture.sweeper)).pause?.reason, 'mine');
  });

  it('writes nothing where nothing changes, and removes what is no more', async () => {
    await changeState(fixture.sweeper, pause('first'));
    const before = await fixture.sweeper.permanent.stat(STATE_NAME);
    assert.equal((await changeState(fixture.sweeper, (state) => state)).written, false);
    assert.deepEqual(await fixture.sweeper.permanent.stat(STATE_NAME), before);
    const { written } = await changeState(fixture.sweeper, ({ pause: _, ...others }) => others);
    assert.equal(written, true);
    const metadata = (await fixture.sweeper.permanent.stat(STATE_NAME))?.metadata ?? {};
    assert.deepEqual(Object.keys(metadata), ['write']);
  });
});
