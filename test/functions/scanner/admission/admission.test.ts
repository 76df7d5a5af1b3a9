import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Admission } from '../../../../functions/scanner/admission/admission.ts';
import { TempSpace } from '../../../../functions/scanner/admission/temp-space.ts';
import { sizesFor } from '../../../../shared/scanning/sizes.ts';
import type { ScanFault } from '../../../../shared/scanning/verdict.ts';

const OWNER = 'org:1';
const MIB = 2 ** 20;
const sizes = sizesFor(100 * MIB);

function admission(
  options: { slots?: number; maxWaiting?: number; maxWaitMs?: number; free?: () => number } = {},
) {
  const { slots = 2, maxWaiting = 1, maxWaitMs = 60_000, free = () => Number.MAX_SAFE_INTEGER } = options;
  return new Admission({ slots, maxWaiting, maxWaitMs, tempSpace: new TempSpace(free, sizes) });
}

describe('admission', () => {
  it('runs so many at once, lets so many wait, and turns the rest away at once', async () => {
    const admitted = admission();
    const gates = Array.from({ length: 3 }, () => Promise.withResolvers<string>());
    const started: number[] = [];
    const runs = gates.map((gate, i) =>
      admitted.run(OWNER, 1, () => {
        started.push(i);
        return gate.promise;
      }),
    );
    assert.deepEqual(await admitted.run(OWNER, 1, async () => 'fourth'), { refused: 'slots' });
    assert.deepEqual(started, [0, 1]);
    gates[1]?.resolve('b');
    assert.deepEqual(await runs[1], { result: 'b' });
    gates[2]?.resolve('c');
    assert.deepEqual(await runs[2], { result: 'c' });
    gates[0]?.resolve('a');
    assert.deepEqual(await runs[0], { result: 'a' });
    assert.deepEqual(await admitted.run(OWNER, 1, async () => 'later'), { result: 'later' });
  });

  it('lets nobody wait for ever', async () => {
    const admitted = admission({ slots: 1, maxWaitMs: 5 });
    const gate = Promise.withResolvers<void>();
    const first = admitted.run(OWNER, 1, () => gate.promise);
    assert.deepEqual(await admitted.run(OWNER, 1, async () => 'second'), { refused: 'slots' });
    gate.resolve();
    await first;
    assert.deepEqual(await admitted.run(OWNER, 1, async () => 'third'), { result: 'third' });
  });

  it('gets back what fails', async () => {
    const admitted = admission({ slots: 1, maxWaiting: 0 });
    await assert.rejects(
      admitted.run(OWNER, 1, () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.deepEqual(await admitted.run(OWNER, 1, async () => 1), { result: 1 });
  });

  it('admits no scan that could fill the temporary directory together with those that run', async () => {
    // Room for one and a half scans of the largest file.
    let free = 1.5 * sizes.temporary + 64 * MIB;
    const admitted = admission({ slots: 4, maxWaiting: 4, free: () => free });
    const gate = Promise.withResolvers<void>();
    const first = admitted.run(OWNER, 100 * MIB, () => gate.promise);
    // Bytes that the first has written are part of those that were set aside for it.
    free -= sizes.temporary / 2;
    assert.deepEqual(await admitted.run(OWNER, 100 * MIB, async () => 'second'), { refused: 'tempSpace' });
    gate.resolve();
    await first;
    free += sizes.temporary / 2;
    assert.deepEqual(await admitted.run(OWNER, 100 * MIB, async () => 'third'), { result: 'third' });
  });

  it('voids a verdict where space ran low meanwhile, and says so to the scan', async () => {
    let free = 10 * sizes.temporary;
    const admitted = admission({ free: () => free });
    const aborted = Promise.withResolvers<void>();
    const scan = admitted.run(OWNER, 1, async (signal) => {
      signal.addEventListener('abort', () => aborted.resolve());
      free = 1000;
      await aborted.promise;
      return 'clean';
    });
    await assert.rejects(scan, (error: ScanFault) => error.code === 'outOfTempSpace');
  });

  it('voids a verdict of a scan that was over before anybody looked', async () => {
    let free = 10 * sizes.temporary;
    const admitted = admission({ free: () => free });
    const scan = admitted.run(OWNER, 1, async () => {
      free = 1000;
      return 'clean';
    });
    await assert.rejects(scan, (error: ScanFault) => error.code === 'outOfTempSpace');
  });

  it('voids a verdict where the directory cannot be looked at any more, and says so to the scan', async () => {
    let free = () => 10 * sizes.temporary;
    const admitted = admission({ free: () => free() });
    const scan = admitted.run(OWNER, 1, async (signal) => {
      free = () => {
        throw new Error('ENOENT');
      };
      await once(signal, 'abort');
      return 'clean';
    });
    await assert.rejects(scan, (error: ScanFault) => error.code === 'outOfTempSpace');
  });

  it('refuses where the directory cannot even be looked at', async () => {
    const admitted = admission({
      free: () => {
        throw new Error('ENOENT');
      },
    });
    await assert.rejects(
      admitted.run(OWNER, 1, async () => 'clean'),
      /ENOENT/,
    );
  });
});
