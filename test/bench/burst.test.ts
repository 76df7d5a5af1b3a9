import assert from 'node:assert/strict';
import { defaultBurst, timesAt } from '../../bench/burst/default-burst.ts';
import { EventQueue } from '../../bench/burst/event-queue.ts';
import { type Burst, simulateBurst } from '../../bench/burst/simulate.ts';
import { progressChart } from '../../bench/report/progress-chart.ts';

const FAST = timesAt(120, 0.2);

/** Burst as the module has it, with room for as many requests as a rate of 120 a second at 0.2 s each needs. */
function burstOf(files: number, how: Partial<Burst> = {}, concurrency = 40): Burst {
  const burst = defaultBurst(files, FAST, 'together');
  return {
    ...burst,
    scaling: { ...burst.scaling, concurrency, maxInstances: 10 },
    limits: { slots: 2, queue: 40 },
    ...how,
  };
}

describe('a burst of files: simulated', () => {
  it('comes to an end for 100 000 files within three minutes, at 120 files a second an instance, and none fails', function () {
    this.timeout(60_000);
    const { decided, deadLetters, seconds, mostInstances } = simulateBurst(burstOf(100_000));
    assert.deepEqual(
      { decided, deadLetters, mostInstances },
      { decided: 100_000, deadLetters: 0, mostInstances: 10 },
    );
    assert.ok(seconds <= 180, `${seconds} s`);
  });

  it('fails no file with the settings of the module, whichever way instances start', () => {
    for (const starts of ['together', 'oneByOne'] as const) {
      const { decided, deadLetters } = simulateBurst(defaultBurst(5_000, timesAt(40, 0.25), starts));
      assert.deepEqual({ starts, decided, deadLetters }, { starts, decided: 5_000, deadLetters: 0 });
    }
  });

  it('is the same for the same seed, and another for another', () => {
    const first = simulateBurst(burstOf(2_000));
    assert.deepEqual(simulateBurst(burstOf(2_000)), first);
    assert.notEqual(simulateBurst(burstOf(2_000, { seed: 2 })).seconds, first.seconds);
  });

  it('takes as long as its one instance needs where no other may start', () => {
    const burst = burstOf(6_000);
    const one = simulateBurst({ ...burst, scaling: { ...burst.scaling, maxInstances: 1 } });
    assert.equal(one.mostInstances, 1);
    // 6 000 files at 120 a second are 50 s, which a minute of arrivals covers; 12 000 are 100 s.
    const twice = simulateBurst({ ...burst, files: 12_000, scaling: { ...burst.scaling, maxInstances: 1 } });
    assert.ok(one.seconds > 59 && one.seconds < 75, `${one.seconds} s`);
    assert.ok(twice.seconds > 99 && twice.seconds < 125, `${twice.seconds} s`);
  });

  it('counts each refusal as an attempt, and gives a file up after the last', () => {
    const burst = burstOf(400, {
      limits: { slots: 1, queue: 0 },
      times: timesAt(1, 1),
      push: {
        ackDeadlineSeconds: 600,
        minBackoffSeconds: 10,
        maxBackoffSeconds: 120,
        maxDeliveryAttempts: 5,
      },
    });
    const { decided, deadLetters, deliveries, refusals, mostAttempts } = simulateBurst(burst);
    assert.equal(decided + deadLetters, 400);
    assert.equal(deliveries, decided + refusals.byScanner + refusals.byCloudRun);
    assert.ok(deadLetters > 0);
    assert.equal(mostAttempts, 5);
  });

  it('has Cloud Run refuse what waits for an instance for too long', () => {
    const burst = burstOf(2_000, { pendingSeconds: 0.5, times: timesAt(2, 1) }, 1);
    assert.ok(simulateBurst(burst).refusals.byCloudRun > 0);
  });
});

describe('the events of a simulation', () => {
  it('happen in the order of their times, and of one time in the order in which they were scheduled', () => {
    const queue = new EventQueue();
    const happened: string[] = [];
    for (const [name, at] of Object.entries({ c: 3, a: 1, b1: 2, b2: 2, d: 4 }))
      queue.after(at, () => {
        happened.push(`${name}@${queue.now}`);
        if (name === 'a') queue.after(0.5, () => happened.push('soon'));
      });
    queue.run(() => false);
    assert.deepEqual(happened, ['a@1', 'soon', 'b1@2', 'b2@2', 'c@3', 'd@4']);
  });
});

describe('the chart of a burst', () => {
  it('has a line for each series, which stays where nothing was decided', () => {
    const chart = progressChart('Burst', [{ name: 'one', values: [1, undefined, 3] }], 3);
    assert.equal(chart.match(/<polyline /g)?.length, 1);
    const [, points = ''] = /points="([^"]+)"/.exec(chart) ?? [];
    const heights = points.split(' ').map((point) => Number(point.split(',')[1]));
    assert.equal(heights.length, 4);
    assert.equal(heights[1], heights[2]);
  });
});
