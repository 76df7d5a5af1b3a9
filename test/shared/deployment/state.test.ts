import assert from 'node:assert/strict';
import {
  type DeploymentState,
  formatState,
  noticeAt,
  parseState,
  pauseAt,
} from '../../../shared/deployment/state.ts';

const AT = new Date('2026-11-29T12:00:00.000Z');
const LATER = new Date('2026-11-29T13:00:00.000Z');
const CLAIM = { deployment: 'p/r/fileshare', at: AT, by: 'operator@example.org' };
const PAUSE = { reason: 'Vedlikehold: æøå', at: AT, by: 'operator@example.org', until: LATER };
const NOTICE = { text: 'At five <b>we</b> pause.', level: 'warning', at: AT, by: 'o@example.org' } as const;

describe('the state of a deployment', () => {
  for (const [what, state] of [
    ['nothing', {}],
    ['a claim', { claim: { deployment: 'p/r/fileshare', at: AT } }],
    ['a pause without an end', { claim: CLAIM, pause: { reason: 'r', at: AT, by: 'b' } }],
    ['a notice between two times', { notice: { ...NOTICE, from: AT, until: LATER } }],
    ['everything', { claim: CLAIM, pause: PAUSE, notice: NOTICE }],
  ] satisfies readonly (readonly [string, DeploymentState])[]) {
    it(`is read as it was written: ${what}`, () => {
      assert.deepEqual(parseState(formatState(state)), state);
    });
  }

  it('is none where there is no object', () => {
    assert.deepEqual(parseState(undefined), {});
  });

  it('fits into the metadata of an object at its longest', () => {
    const text = '漢'.repeat(500);
    const until = LATER;
    const long = {
      claim: { ...CLAIM, deployment: 'd'.repeat(200) },
      pause: { ...PAUSE, reason: 'r'.repeat(1_000) },
      notice: { ...NOTICE, text, from: AT, until },
    };
    assert.ok(Buffer.byteLength(Object.entries(formatState(long)).flat().join('')) < 8_000);
  });

  describe('damaged by hand', () => {
    it('pauses the intake until it is resumed, where the end does not parse', () => {
      const { pause } = parseState({ ...formatState({ pause: PAUSE }), pausedUntil: 'tomorrow' });
      assert.equal(pause?.until, undefined);
      assert.ok(pauseAt({ ...(pause && { pause }) }, new Date('2099-01-01T00:00:00Z')));
    });

    it('pauses the intake, where all but the reason is missing', () => {
      assert.equal(parseState({ pauseReason: 'r' }).pause?.by, 'unknown');
    });

    it('shows a notice whose level and times do not parse', () => {
      const { notice } = parseState({ notice: 'n', noticeLevel: 'loud', noticeFrom: '?', noticeUntil: '?' });
      assert.deepEqual([notice?.level, notice?.from, notice?.until], ['info', undefined, undefined]);
    });

    it('is of nobody, where the name of the deployment is empty', () => {
      assert.equal(parseState({ deployment: '', claimedAt: AT.toISOString() }).claim, undefined);
    });
  });

  it('pauses until its end, and no longer', () => {
    assert.equal(pauseAt({ pause: PAUSE }, new Date(LATER.getTime() - 1)), PAUSE);
    assert.equal(pauseAt({ pause: PAUSE }, LATER), undefined);
    assert.equal(pauseAt({}, AT), undefined);
  });

  it('shows a notice from its beginning until its end', () => {
    const notice = { ...NOTICE, from: AT, until: LATER };
    assert.equal(noticeAt({ notice }, new Date(AT.getTime() - 1)), undefined);
    assert.equal(noticeAt({ notice }, AT), notice);
    assert.equal(noticeAt({ notice }, LATER), undefined);
    assert.equal(noticeAt({ notice: NOTICE }, AT), NOTICE);
    assert.equal(noticeAt({}, AT), undefined);
  });
});
