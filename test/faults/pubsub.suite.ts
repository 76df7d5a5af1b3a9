import { eventually } from '../support/service.ts';
import { Rig } from './rig.ts';
import { clean, infected, unscannable } from './samples.ts';
import { attempt } from './trial.ts';

describe('Pub/Sub that fails', () => {
  const rig = new Rig();
  const publish = { method: 'Publish' } as const;

  for (const code of [
    'UNAVAILABLE',
    'DEADLINE_EXCEEDED',
    'RESOURCE_EXHAUSTED',
    'INTERNAL',
    'NOT_FOUND',
    'PERMISSION_DENIED',
    'UNAUTHENTICATED',
  ] as const) {
    for (const after of [false, true]) {
      const what = after ? `${code} although it took effect` : code;
      it(`with ${what}: the event comes in the end, with the same id`, () =>
        attempt(rig, `publish: ${what}`, async (trial) => {
          await rig.pubsubFault({ kind: 'fail', ...publish, times: 3, code, after });
          await trial.send(clean(), infected(), unscannable());
          await trial.struck(3);
        }));
    }
  }

  it('slowly: the events come', () =>
    attempt(rig, 'publish: slow', async (trial) => {
      await rig.pubsubFault({ kind: 'delay', ...publish, times: 3, milliseconds: 1_000 });
      await trial.send(clean(), infected(), unscannable());
      await trial.struck(1);
    }));

  it('never answering: the events come once it is given up', () =>
    attempt(rig, 'publish: never answered', async (trial) => {
      for (const after of [false, true]) {
        await rig.pubsubFault({ kind: 'stall', ...publish, times: 1, after });
        await trial.send(clean(), infected(), unscannable());
        await trial.struck(1);
        await trial.clear();
      }
    }));

  it('being away altogether: events of files decided meanwhile come later', () =>
    attempt(rig, 'Pub/Sub: killed', async (trial) => {
      for (let times = 0; times < 2; times++) {
        // It keeps nothing: what was published before has to be fetched before.
        await rig.events();
        rig.pubsub.shut = true;
        rig.pubsub.cut();
        const { restarted } = rig.kill('pubsub');
        await rig.resetOperations();
        await trial.send(clean(), infected(), unscannable());
        await eventually(async () => ((await rig.operations()).operations.notify?.errors ?? 0) >= 3);
        trial.injected(3);
        // Its topic would be there a moment before its subscription, and the message then nobody's.
        await restarted;
        rig.pubsub.shut = false;
      }
    }));

  it('breaking its connections: the events come', () =>
    attempt(rig, 'Pub/Sub: connections cut', async (trial) => {
      for (let times = 0; times < 5; times++) {
        const sending = trial.send(clean(), infected());
        rig.pubsub.cut();
        await sending;
        rig.pubsub.cut();
        trial.injected(2);
      }
    }));
});
