import assert from 'node:assert/strict';
import { pino } from 'pino';
import { Intake } from '../../../functions/upload/intake.ts';
import { type DeploymentState, formatState } from '../../../shared/deployment/state.ts';
import { DeploymentWatch } from '../../../shared/deployment/watch.ts';
import { Problem } from '../../../shared/http/problems.ts';
import { MemoryBucket } from '../../support/memory-bucket.ts';

const NOW = new Date('2026-11-29T12:00:00Z');
const inSeconds = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);
const ORDER = { reason: 'The storage is moved', at: NOW, by: 'operator@example.org' };
const CLAIM = { deployment: 'ours', at: NOW };

describe('the intake', () => {
  const intake = (state: DeploymentState | Error | undefined) => {
    const bucket = new MemoryBucket('permanent');
    const stat = async () => {
      if (state instanceof Error) throw state;
      return state && bucket.put('deployment/state', formatState(state));
    };
    const log = pino({ level: 'silent' });
    const watch = new DeploymentWatch({ permanent: { stat }, deployment: 'ours', refreshMs: 30_000, log });
    return new Intake(watch, () => NOW);
  };
  const refusal = async (state: DeploymentState) => {
    const closed = intake(state);
    const error: unknown = await Promise.resolve(closed.requireOpen()).catch((error: unknown) => error);
    assert.ok(error instanceof Problem);
    assert.equal(error.status, 503);
    return { type: error.type, ...error.extras };
  };

  it('is open where nothing is known, nobody has claimed the buckets, or they are ours', async () => {
    for (const state of [new Error('forbidden'), undefined, { claim: CLAIM }])
      await intake(state).requireOpen();
  });

  it('has no upload wait once it is known', async () => {
    const open = intake({ claim: CLAIM });
    await open.requireOpen();
    assert.equal(open.requireOpen(), undefined);
    const closed = intake({ claim: CLAIM, pause: ORDER });
    await assert.rejects(async () => closed.requireOpen());
    assert.throws(() => closed.requireOpen(), { type: 'intake-paused' });
  });

  it('refuses an upload with the reason and the end of a pause', async () => {
    const until = inSeconds(90);
    assert.deepEqual(await refusal({ claim: CLAIM, pause: { ...ORDER, until } }), {
      type: 'intake-paused',
      detail: 'The storage is moved (until 2026-11-29T12:01:30.000Z)',
      members: { until: '2026-11-29T12:01:30.000Z' },
      headers: { 'retry-after': '90' },
    });
  });

  it('asks for no longer a wait than five minutes, since a pause may end early', async () => {
    for (const pause of [ORDER, { ...ORDER, until: inSeconds(86_400) }]) {
      assert.equal((await refusal({ claim: CLAIM, pause })).headers?.['retry-after'], '300');
    }
  });

  it('is open again at the end of a pause', async () => {
    await intake({ claim: CLAIM, pause: { ...ORDER, until: NOW } }).requireOpen();
  });

  it('refuses an upload where the buckets are of another deployment, and does not name it', async () => {
    const { type, detail } = await refusal({ claim: { ...CLAIM, deployment: 'theirs' } });
    assert.deepEqual([type, detail], ['wrong-deployment', undefined]);
  });
});
