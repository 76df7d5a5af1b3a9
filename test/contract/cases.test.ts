import assert from 'node:assert/strict';
import { type Cases, type Exceptions, registerCases } from './cases.ts';

type Run = (this: { skip: () => never }) => Promise<void>;

/** Registers a case that passes and one that fails, and returns what was registered by title. */
function registered(exceptions: Exceptions): Map<string, Run> {
  const runs = new Map<string, Run>();
  const suite = (cases: Cases<undefined>): void => {
    cases('passes', async () => undefined);
    cases('fails', async () => assert.fail('as it does'));
  };
  registerCases(
    [suite],
    () => undefined,
    exceptions,
    (title, run) => runs.set(title, run as Run),
  );
  return runs;
}

describe('exceptions of a contract', () => {
  const skipped = new Error('skipped');
  const context = {
    skip: () => {
      throw skipped;
    },
  };

  it('skip a case that fails, and name the reason', async () => {
    const run = registered({ fails: 'it is known' }).get('fails (exception: it is known)');
    await assert.rejects(async () => run?.call(context), skipped);
  });

  it('fail when their case passes', async () => {
    const run = registered({ passes: 'it was known' }).get('passes (exception: it was known)');
    await assert.rejects(async () => run?.call(context), /passes, but is listed as an exception/);
  });

  it('fail when they name no case', () => {
    assert.throws(() => registered({ gone: 'it was known' }), /exceptions that name no case: gone/);
  });

  it('leave the other cases as they are', async () => {
    const run = registered({ passes: 'it was known' }).get('fails');
    await assert.rejects(async () => run?.call(context), /as it does/);
  });
});
