import { ask } from '../events/pubsub-rest.ts';
import { GCP_PROJECT, SCAN_EVENTS_TOPIC } from '../processes/addresses.ts';
import { emailOf } from '../processes/identity.ts';

const DEAD_TOPIC = 'callbacks-dead';

/**
 * Creates the subscription that pushes events of files with callbacks to the notify function, and that of its dead
 * letters, at the emulator on `host` (`host:port`).
 * @param endpoint where the notify function listens
 */
export async function createCallbacks(host: string, endpoint: string, signal: AbortSignal): Promise<void> {
  const project = `projects/${GCP_PROJECT}`;
  const base = `http://${host}/v1/${project}`;
  const oidcToken = { serviceAccountEmail: emailOf('push'), audience: new URL(endpoint).origin };
  const pushConfig = { pushEndpoint: endpoint, oidcToken };
  await ask('PUT', `${base}/topics/${DEAD_TOPIC}`, {}, signal);
  const deadLetterTopic = `${project}/topics/${DEAD_TOPIC}`;
  await ask('PUT', `${base}/subscriptions/${DEAD_TOPIC}`, { topic: deadLetterTopic }, signal);
  const url = `${base}/subscriptions/callbacks`;
  const subscription = {
    topic: `${project}/topics/${SCAN_EVENTS_TOPIC}`,
    filter: 'attributes.callback = "true"',
    pushConfig,
    ackDeadlineSeconds: 120,
    retryPolicy: { minimumBackoff: '1s', maximumBackoff: '60s' },
    // As few as Pub/Sub allows, so that a person sees a dead letter within the minute.
    deadLetterPolicy: { deadLetterTopic, maxDeliveryAttempts: 5 },
  };
  if (await ask('PUT', url, subscription, signal)) return;
  await ask('POST', `${url}:modifyPushConfig`, { pushConfig }, signal);
}
