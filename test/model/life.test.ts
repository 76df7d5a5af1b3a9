import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CollectFixture, HOUR } from '../functions/sweeper/collect-fixture.ts';
import { DAY } from '../functions/sweeper/fixture.ts';
import { commands } from './commands.ts';
import { engine, SAMPLES } from './contents.ts';
import type { Policy } from './facts.ts';
import { PRINCIPALS } from './steps.ts';
import { World } from './world.ts';

/** `MODEL_RUNS=2000` for a night's, `MODEL_SEED` (and `MODEL_PATH`) to repeat one, `MODEL_SHRINK=on` for fewer commands. */
const RUNS = Number(process.env['MODEL_RUNS'] ?? 100);
const SEED = Number(process.env['MODEL_SEED'] ?? Date.now() % 2 ** 31);
const PATH = process.env['MODEL_PATH'];

const policies: fc.Arbitrary<Policy> = fc.record({
  deduplicate: fc.constantFrom('global', 'global', 'owner'),
  acceptsEncrypted: fc.boolean(),
  verdictMaxAgeMs: fc.constantFrom(HOUR, 30 * DAY),
  unreferencedAfterMs: fc.constantFrom(undefined, 2 * DAY),
});

/** The content that an earlier file has left. */
const aged = fc.option(fc.constantFrom(...SAMPLES), { nil: undefined, freq: 3 });
const [OWNER = assert.fail()] = PRINCIPALS;

describe('the life of a file, against a model of it', function () {
  this.timeout(180_000 + RUNS * 5_000);
  const fixture = new CollectFixture(engine('older'));

  it(`is what its clients were told, with any concurrency or crash (seed ${SEED}, ${RUNS} runs)`, async () => {
    let runs = 0;
    const property = fc.asyncProperty(
      policies,
      aged,
      commands,
      fc.scheduler(),
      async (policy, old, steps, scheduler) => {
        if (runs++ > 0) await fixture.renew();
        const world = new World(fixture, scheduler, policy);
        if (old) await world.age(old, OWNER);
        await fc.asyncModelRun(() => ({ model: world.facts, real: world }), steps);
        await world.heal();
      },
    );
    const endOnFailure = process.env['MODEL_SHRINK'] !== 'on';
    await fc.assert(property, { numRuns: RUNS, seed: SEED, endOnFailure, ...(PATH && { path: PATH }) });
  });
});
