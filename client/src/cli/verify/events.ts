import { sleep } from '../../backoff.ts';
import { FileshareProblem } from '../../errors.ts';
import type { ScanEvent } from '../../event-types.ts';
import { InvalidScanEvent, parseScanEvent } from '../../events.ts';
import type { Received, Subscription } from '../pubsub.ts';
import type { Check, Observed, Run } from './check.ts';
import { mustBe, NotChecked, NotHeld } from './not-held.ts';

const COMPLETED = 'no.nav.hops.fileshare.scan.completed.v1';

export const events: Check = {
  id: 'events',
  promise: 'Subscribers get an event for each verdict',
  look: 'The scanner’s account: roles/pubsub.publisher on the scan events topic. The subscription: its topic, its filter, and who else pulls from it (docs/events.md).',
  run,
};

async function run(run: Run): Promise<Observed> {
  const { subscription, signal } = run;
  if (!subscription) throw new NotChecked('no --subscription');
  const wanted = await verdicts(run);
  if (wanted.size === 0) throw new NotChecked('no file got a verdict, see above');
  const late = AbortSignal.timeout(run.timeoutMs);
  const foreign: string[] = [];
  const found = new Map<string, string>();
  try {
    while (found.size < wanted.size && !late.aborted) {
      const received = await pull(subscription, signal, late);
      const own: string[] = [];
      for (const { ackId, message } of received) {
        const event = eventIn(message);
        if (event?.type === COMPLETED && wanted.has(event.data.fileId)) {
          own.push(ackId);
          found.set(event.data.fileId, event.data.verdict);
        } else foreign.push(ackId);
      }
      await subscription.acknowledge(own, signal);
      if (own.length === 0) await sleep(250, signal);
    }
  } finally {
    // Only at the end: what is given back comes again at once.
    await subscription.release(foreign, AbortSignal.timeout(10_000)).catch(() => undefined);
  }
  for (const [id, verdict] of wanted) {
    const event = found.get(id);
    if (event === undefined)
      throw new NotHeld(
        `an event for each of ${wanted.size} files`,
        `${found.size}, none for ${id} (${verdict})`,
      );
    mustBe(`verdict in the event of ${id}`, event, verdict);
  }
  return { note: `${found.size} events` };
}

/** Google holds a pull open while nothing is there: `late` ends it. */
async function pull(
  subscription: Subscription,
  signal: AbortSignal,
  late: AbortSignal,
): Promise<readonly Received[]> {
  try {
    return await subscription.pull(AbortSignal.any([signal, late]));
  } catch (error) {
    signal.throwIfAborted();
    if (late.aborted) return [];
    if (!(error instanceof FileshareProblem)) throw error;
    const hint =
      'The access token: gcloud auth print-access-token of an account with roles/pubsub.subscriber on the subscription.';
    throw new NotHeld(`messages of ${subscription.name}`, error.message, hint);
  }
}

/** The verdicts of the files, by their ids. */
async function verdicts({ sent }: Run): Promise<Map<string, string>> {
  const decided = await Promise.allSettled([...sent.values()].map((file) => file.decided));
  return new Map(
    decided.flatMap((one) =>
      one.status === 'fulfilled' ? [[one.value.handle.id, one.value.handle.state]] : [],
    ),
  );
}

function eventIn(message: unknown): ScanEvent | undefined {
  try {
    return parseScanEvent(message);
  } catch (error) {
    if (error instanceof InvalidScanEvent) return undefined;
    throw error;
  }
}
