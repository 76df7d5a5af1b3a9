import { InvalidScanEvent, parseScanEvent, type ScanEvent } from '../../../../client/src/index.ts';
import type { PubsubMessage } from '../../events/pubsub-rest.ts';
import type { ScanTimings } from '../timings.ts';
import { byId } from './element.ts';

export interface LiveListener {
  /** The feed is there, or there again. */
  connected(): void;
  /** An event as a subscriber got it; `event` is undefined if this client does not know its type. */
  message(message: PubsubMessage, event: ScanEvent | undefined): void;
  timings(timings: ScanTimings): void;
}

/** Where the local platform tells what happens. */
export const LOCAL_LIVE = '/local/live';

/** Follows what the local platform tells; the browser reconnects automatically. */
export function follow(url: string, listener: LiveListener): void {
  const source = new EventSource(url);
  const connection = byId('connection', HTMLElement);
  const say = (state: string, text: string) => {
    connection.dataset['state'] = state;
    connection.textContent = text;
  };
  source.addEventListener('open', () => {
    say('live', 'Live');
    listener.connected();
  });
  source.addEventListener('error', () => say('lost', 'Connecting again…'));
  source.addEventListener('pubsub', ({ data }) => {
    const message = JSON.parse(data) as PubsubMessage;
    listener.message(message, eventIn(message));
  });
  source.addEventListener('timings', ({ data }) => listener.timings(JSON.parse(data) as ScanTimings));
}

function eventIn(message: PubsubMessage): ScanEvent | undefined {
  try {
    return parseScanEvent(message);
  } catch (error) {
    if (error instanceof InvalidScanEvent) return undefined;
    throw error;
  }
}
