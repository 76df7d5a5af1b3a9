import { setTimeout as delay } from 'node:timers/promises';

const RETRY_MS = 100;
const ALREADY_EXISTS = 409;

/**
 * Asks a Pub/Sub emulator, which may be Google's and may still be starting, again and again until it does what it
 * is asked for or `signal` says stop.
 * @returns false where what was to be created exists
 */
export async function ask(
  method: 'PUT' | 'POST',
  url: string,
  body: object,
  signal: AbortSignal,
): Promise<boolean> {
  while (true) {
    try {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(url, { method, headers, body: JSON.stringify(body), signal });
      await response.arrayBuffer();
      if (response.ok) return true;
      if (response.status === ALREADY_EXISTS) return false;
    } catch {
      signal.throwIfAborted();
    }
    await delay(RETRY_MS, undefined, { signal });
  }
}

interface Pulled {
  readonly receivedMessages?: readonly { readonly ackId: string; readonly message: PubsubMessage }[];
}

/** A message as the REST API has it: its data is base64. */
export interface PubsubMessage {
  readonly messageId: string;
  readonly publishTime: string;
  readonly data: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/**
 * Messages of a subscription (`projects/…/subscriptions/…`), acknowledged as it is handed over, until `signal` says
 * stop. An emulator that is gone, or has forgotten the subscription, is asked again until it is back.
 */
export async function* messages(
  host: string,
  subscription: string,
  signal: AbortSignal,
): AsyncGenerator<PubsubMessage> {
  const url = `http://${host}/v1/${subscription}`;
  while (!signal.aborted) {
    const { receivedMessages = [] } = (await post<Pulled>(`${url}:pull`, { maxMessages: 100 }, signal)) ?? {};
    for (const { message } of receivedMessages) yield message;
    const ackIds = receivedMessages.map(({ ackId }) => ackId);
    if (ackIds.length > 0) await post(`${url}:acknowledge`, { ackIds }, signal);
    else await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** @returns undefined where it did not work */
async function post<T>(url: string, body: object, signal: AbortSignal): Promise<T | undefined> {
  const headers = { 'content-type': 'application/json' };
  try {
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal });
    const answer: unknown = await response.json();
    return response.ok ? (answer as T) : undefined;
  } catch {
    return undefined;
  }
}
