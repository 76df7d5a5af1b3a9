import { sleep } from '../backoff.ts';
import { FileshareConnectionError, problemOf } from '../errors.ts';
import { InvalidScanEvent, parseScanEvent, type ScanEvent } from '../events.ts';
import type { Handle } from '../handle.ts';
import { isPassing, pauseMs } from '../http.ts';
import { type Context, connect, line, print, say } from './context.ts';
import { UsageError } from './exit.ts';

export interface WatchFlags {
  readonly subscription?: string;
  readonly count?: number;
  readonly interval: number;
}

/** Files that are looked at: what is older has had its verdict long ago. */
const RECENT = 100;
const PUBSUB = 'https://pubsub.googleapis.com';

/**
 * `fileshare watch`: your own files as their states change, or with --subscription the events of everybody. Ends
 * at Ctrl-C, or after --count lines.
 */
export async function watchCommand(context: Context, flags: WatchFlags): Promise<void> {
  const lines = flags.subscription
    ? events(context, flags.subscription)
    : changes(context, flags.interval * 1000);
  let shown = 0;
  for await (const [value, text] of lines) {
    print(context, value, text);
    if (++shown === flags.count) return;
  }
}

type Line = readonly [value: unknown, text: string];

/** Asks again and again: whoever may upload may do that, and needs nothing of Google's. */
async function* changes(context: Context, intervalMs: number): AsyncGenerator<Line> {
  const fileshare = connect(context);
  const { signal } = context;
  let known: Map<string, Handle['state']> | undefined;
  for (;;) {
    const seen = new Map<string, Handle['state']>();
    const changed: Handle[] = [];
    for await (const handle of fileshare.list({ signal, pageSize: RECENT })) {
      seen.set(handle.id, handle.state);
      if (known && known.get(handle.id) !== handle.state) changed.push(handle);
      if (seen.size === RECENT) break;
    }
    if (!known) say(context, 'Watching your files. Ctrl-C ends it.');
    known = seen;
    for (const handle of changed.reverse()) yield [handle, line(handle)];
    await sleep(intervalMs, signal);
  }
}

/** Pulls by the REST API: https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions/pull */
async function* events(context: Context, subscription: string): AsyncGenerator<Line> {
  if (!/^projects\/[^/]+\/subscriptions\/[^/]+$/.test(subscription)) {
    throw new UsageError('--subscription should be projects/PROJECT/subscriptions/NAME.');
  }
  say(context, `Watching ${subscription}. Ctrl-C ends it.`);
  for (;;) {
    const { receivedMessages = [] } = await pull(context, subscription);
    for (const { ackId, message } of receivedMessages) {
      const event = eventIn(context, message);
      if (event) yield [event, eventLine(event)];
      await ask(context, `${subscription}:acknowledge`, { ackIds: [ackId] });
    }
    if (receivedMessages.length === 0) await sleep(250, context.signal);
  }
}

interface Pulled {
  readonly receivedMessages?: readonly { readonly ackId: string; readonly message: unknown }[];
}

async function pull(context: Context, subscription: string): Promise<Pulled> {
  const response = await ask(context, `${subscription}:pull`, { maxMessages: 100 });
  return (await response.json()) as Pulled;
}

function eventIn(context: Context, message: unknown): ScanEvent | undefined {
  try {
    return parseScanEvent(message);
  } catch (error) {
    if (!(error instanceof InvalidScanEvent)) throw error;
    say(context, error.message);
    return undefined;
  }
}

async function ask({ env, signal }: Context, method: string, body: unknown): Promise<Response> {
  const emulator = env['PUBSUB_EMULATOR_HOST'];
  const token = env['FILESHARE_PUBSUB_TOKEN'];
  if (!emulator && !token) {
    throw new UsageError('Set FILESHARE_PUBSUB_TOKEN to what `gcloud auth print-access-token` gives.');
  }
  const url = `${emulator ? `http://${emulator}` : PUBSUB}/v1/${method}`;
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
  for (let attempt = 0; ; attempt++) {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
        signal,
      }).catch((cause: unknown) => {
        signal.throwIfAborted();
        throw new FileshareConnectionError(`${url}: no answer`, { cause });
      });
      if (response.ok) return response;
      throw await problemOf(response);
    } catch (error) {
      signal.throwIfAborted();
      if (!isPassing(error) || attempt >= 10) throw error;
      await sleep(pauseMs(error, attempt), signal);
    }
  }
}

function eventLine({ type, data, time }: ScanEvent): string {
  const name = type.replace(/^no\.nav\.hops\.fileshare\./, '').replace(/\.v1$/, '');
  const subject = 'fileId' in data ? data.fileId : data.sha256;
  const why = 'signature' in data ? data.signature : 'reason' in data ? data.reason : undefined;
  return [time, name.padEnd(15), data.verdict.padEnd(11), subject, why && `(${why})`]
    .filter(Boolean)
    .join('  ');
}
