import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type Deployment, type Load, type Outcome, SimulatedService } from './service.ts';

/** 50 000 and 100 000 files are what docs/operations.md has the numbers of; they take minutes. */
const SCALE = Number(process.env['SIMULATION_SCALE'] ?? 0.02);

const { push, services } = JSON.parse(
  readFileSync(new URL('../../infra/local/deployment.json', import.meta.url), 'utf8'),
) as { push: Deployment['push']; services: { scanner: { concurrency: number; maxInstances: number } } };
const HOUR = 3600;

/**
 * Deployment with the defaults of the Terraform module and the functions; a small file takes 0.29 s with realistic
 * latencies.
 */
const deployment: Deployment = {
  push,
  requests: services.scanner.concurrency * services.scanner.maxInstances * SCALE,
  scanSeconds: 0.29,
  sweepEverySeconds: 300,
  stuckAfterSeconds: 900,
  maxRedrives: 96,
  redrivesPerSweep: Math.ceil(1000 * SCALE),
};

describe('an outage is not a failure: simulated', function () {
  this.timeout(1_800_000);
  async function simulated(load: Load, how: Partial<Deployment> = {}): Promise<Outcome> {
    const outcome = await new SimulatedService({ ...deployment, ...how }).run(load);
    if (process.env['SIMULATION_SCALE']) console.log(load, outcome);
    assert.deepEqual(outcome.states, { clean: load.files });
    return outcome;
  }

  it('ClamAV is down for 24 hours in which 50 000 files arrive: none fails, all are clean afterwards', async () => {
    const load = { files: 50_000 * SCALE, withinSeconds: 24 * HOUR, outageSeconds: 24 * HOUR };
    const { deadLetters } = await simulated(load);
    assert.ok(deadLetters > 0, 'the outage outlasts the attempts');
  });

  it('ClamAV is down for longer than Pub/Sub keeps a message: all are clean afterwards', async () => {
    await simulated({ files: 4, withinSeconds: 24 * HOUR, outageSeconds: 8 * 24 * HOUR });
  });

  // A new bucket takes about 1 000 writes a second: https://cloud.google.com/storage/docs/request-rate
  it('a burst of 100 000 files as fast as a bucket takes them: all are clean, without a dead letter', async () => {
    const { deadLetters } = await simulated({ files: 100_000 * SCALE, withinSeconds: 100, outageSeconds: 0 });
    assert.equal(deadLetters, 0);
  });

  it('a queue that outlasts all attempts and all redrives fails no file', async () => {
    const slow = {
      requests: 1,
      scanSeconds: 1,
      maxRedrives: 1,
      stuckAfterSeconds: 60,
      sweepEverySeconds: 60,
    };
    const load = { files: 1_000, withinSeconds: 100, outageSeconds: 0 };
    const outcome = await simulated(load, { ...slow, push: { ...push, maxDeliveryAttempts: 5 } });
    assert.ok(outcome.deadLetters > 0 && outcome.redrives > 0);
  });
});
