import { GCP_PROJECT, SCAN_EVENTS_TOPIC } from '../processes/addresses.ts';
import { ask } from './pubsub-rest.ts';

/** The pull subscription for a person at the command line. */
const CLI_SUBSCRIPTION = 'scan-events-cli';

/**
 * Scan events for the page. A separate one: two that pull from one subscription would each get a part of the events.
 */
export const PAGE_SUBSCRIPTION = `projects/${GCP_PROJECT}/subscriptions/scan-events-page`;

/** The path of the subscription's pull method below the emulator's address. */
export const PULL_PATH = `/v1/projects/${GCP_PROJECT}/subscriptions/${CLI_SUBSCRIPTION}:pull`;

/**
 * Creates the topic and the subscriptions at the emulator on `host` (`host:port`), which may be Google's and may
 * still be starting: it is asked again until `signal` says stop.
 */
export async function createScanEvents(host: string, signal: AbortSignal): Promise<void> {
  const project = `http://${host}/v1/projects/${GCP_PROJECT}`;
  const topic = `projects/${GCP_PROJECT}/topics/${SCAN_EVENTS_TOPIC}`;
  await ask('PUT', `${project}/topics/${SCAN_EVENTS_TOPIC}`, {}, signal);
  const subscription = { topic, ackDeadlineSeconds: 10 };
  await ask('PUT', `${project}/subscriptions/${CLI_SUBSCRIPTION}`, subscription, signal);
  await ask('PUT', `http://${host}/v1/${PAGE_SUBSCRIPTION}`, subscription, signal);
}
