import { ask } from '../events/pubsub-rest.ts';
import { FINALIZED_TOPIC, GCP_PROJECT, RESCAN_TOPIC } from '../processes/addresses.ts';
import { emailOf } from '../processes/identity.ts';

/** Events that the scanner refused too often. */
const DEAD_TOPIC = 'finalized-dead';

export interface FinalizedEndpoints {
  readonly scanner: string;
  readonly rescanner: string;
  readonly deadLetters: string;
}

/**
 * Creates the topic of what the sweeper sends to the scanner again, and its dead letters', with their push subscriptions at the emulator on `host` (`host:port`). An emulator that runs for
 * longer than we do has them already: they are told where things listen now.
 */
export async function createFinalizedEvents(
  host: string,
  { scanner, rescanner, deadLetters }: FinalizedEndpoints,
  signal: AbortSignal,
): Promise<void> {
  const project = `projects/${GCP_PROJECT}`;
  const base = `http://${host}/v1/${project}`;
  const topic = async (name: string): Promise<string> => {
    await ask('PUT', `${base}/topics/${name}`, {}, signal);
    return `${project}/topics/${name}`;
  };
  const push = async (name: string, endpoint: string, settings: object): Promise<void> => {
    const url = `${base}/subscriptions/${name}`;
    const oidcToken = { serviceAccountEmail: emailOf('push'), audience: new URL(endpoint).origin };
    const pushConfig = { pushEndpoint: endpoint, oidcToken };
    if (await ask('PUT', url, { ...settings, pushConfig, ackDeadlineSeconds: 600 }, signal)) return;
    await ask('POST', `${url}:modifyPushConfig`, { pushConfig }, signal);
  };
  const retryPolicy = { minimumBackoff: '1s', maximumBackoff: '60s' };
  // The dead letters' subscription first: a topic without one loses what it is sent.
  const deadLetterTopic = await topic(DEAD_TOPIC);
  await push('finalized-dead-sweeper', deadLetters, { topic: deadLetterTopic, retryPolicy });
  // Four minutes of refusals: a scanner that is busy refuses too, and that is no fault of the file (docs/adr/0006).
  const deadLetterPolicy = { deadLetterTopic, maxDeliveryAttempts: 10 };
  const finalized = await topic(FINALIZED_TOPIC);
  // The parts of an upload are no files yet.
  const filter = 'NOT hasPrefix(attributes.objectId, "parts/")';
  await push('finalized-scanner', scanner, { topic: finalized, filter, retryPolicy, deadLetterPolicy });
  await push('rescan-rescanner', rescanner, { topic: await topic(RESCAN_TOPIC), retryPolicy });
}
