import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Effect } from '../../infra/emulators/storage/src/faults/faults.ts';
import { crashAt } from './crash.ts';
import { Rig } from './rig.ts';
import { clean, infected, type Sample } from './samples.ts';
import { type Call, SCANNER_CALLS, SIDE_BY_SIDE, UPLOAD_CALLS } from './storage-faults.ts';
import { attempt } from './trial.ts';

/** Calls that are under way at the same time: each pair has its crash between them, its lost answer, and its stale look. */
describe('calls that are made side by side', () => {
  const rig = new Rig();
  const known: Sample = clean();
  const malware: Sample = infected();
  before(async () => {
    const first = [await rig.send(known), await rig.send(malware)];
    for (const { id } of first) await rig.decided(id ?? '');
  });
  /**
   * Contents that are new, and contents that are known: their findings and blobs are looked up, and the bytes read
   * early.
   */
  const each = () => [clean(), infected(), known, malware];

  for (const { name, call, samples, held } of SIDE_BY_SIDE) {
    for (const when of ['before', 'after'] as const) {
      it(`the scanner is killed when the rest is done and "${name}" is not known, ${when} it took effect`, () =>
        attempt(rig, `scanner killed: ${name}, ${when} it took effect`, (trial) => {
          const hold = () => rig.fault({ ...call, effect: { kind: 'stall', when } });
          return crashAt(trial, 'scanner', { hold, held }, when, samples?.() ?? each());
        }));
    }
  }

  describe('a look that is a moment behind', () => {
    for (const [what, call] of SCANNER_CALLS.filter(([, { operation }]) => operation === 'objects.get')) {
      it(`"${what}" sees nothing yet: each file gets its verdict`, () =>
        attempt(rig, `scanner: ${what}: not there yet`, async (trial) => {
          await rig.fault({ ...call, times: 4, effect: { kind: 'error', status: 404 } });
          await trial.send(...each());
          await trial.struck(4);
        }));
    }
  });

  describe('an answer that is late', () => {
    for (const [what, call] of [...SCANNER_CALLS, ...UPLOAD_CALLS]) {
      it(`"${what}" takes two seconds: each file gets its verdict`, () =>
        attempt(rig, `${what}: late`, async (trial) => {
          // One instance waits for a second, and tries again beside the first try.
          await rig.fault({ ...call, times: 4, effect: { kind: 'delay', ms: 2_000 } });
          await trial.send(...each());
          await trial.struck(1);
        }));
    }
  });

  describe('the record and the object of one upload', () => {
    const [record, object] = UPLOAD_CALLS.map(([, call]) => call);
    const after: readonly (readonly [string, Effect])[] = [
      ['reset', { kind: 'reset', when: 'after' }],
      ['500', { kind: 'error', status: 500, when: 'after' }],
      ['silence', { kind: 'stall', when: 'after' }],
    ];
    const refused = { kind: 'error', status: 403 } as const;

    for (const [how, effect] of after) {
      it(`both answers are lost (${how}): one file`, () =>
        attempt(rig, `upload: record and object: ${how}`, async (trial) => {
          await both([record, effect], [object, effect]);
          const [sent] = await trial.send({ ...clean(), key: randomUUID() });
          assert.equal(sent?.answer, 202);
        }));

      it(`the record is refused and the answer to the object is lost (${how}): no file`, () =>
        attempt(rig, `upload: record refused, object: ${how}`, async (trial) => {
          await both([record, refused], [object, effect]);
          const [sent] = await trial.send(infected());
          assert.equal(sent?.id, undefined);
        }));

      it(`the object is refused and the answer to the record is lost (${how}): no file`, () =>
        attempt(rig, `upload: object refused, record: ${how}`, async (trial) => {
          await both([record, effect], [object, refused]);
          const [sent] = await trial.send(clean());
          assert.equal(sent?.id, undefined);
        }));
    }

    async function both(...faults: readonly (readonly [Call | undefined, Effect])[]): Promise<void> {
      for (const [call, effect] of faults) {
        assert.ok(call);
        await rig.fault({ ...call, times: 2, effect });
      }
    }
  });
});
