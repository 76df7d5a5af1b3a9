import { sleep } from '../backoff.ts';
import type { ScanEvent } from '../event-types.ts';
import { InvalidScanEvent, parseScanEvent } from '../events.ts';
import type { Handle } from '../handle.ts';
import { connect } from './connect.ts';
import { type Context, harmless, line, print, say } from './context.ts';
import { Subscription } from './pubsub.ts';

export interface WatchFlags {
  readonly subscription?: string;
  readonly count?: number;
  readonly interval: number;
}

/** Files that are looked at: what is older has had its verdict long ago. */
const RECENT = 100;

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

/** Asks again and again: a caller that may upload may do that, and needs nothing of Google's. */
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
    if (!known) say(context, 'Watching your files. Press Ctrl-C to stop.');
    known = seen;
    for (const handle of changed.reverse()) yield [handle, context.common.quiet ? handle.id : line(handle)];
    await sleep(intervalMs, signal);
  }
}

async function* events(context: Context, name: string): AsyncGenerator<Line> {
  const { signal } = context;
  const subscription = new Subscription(name, context);
  say(context, `Watching ${name}. Press Ctrl-C to stop.`);
  for (;;) {
    const received = await subscription.pull(signal);
    for (const { ackId, message } of received) {
      const event = eventIn(context, message);
      if (event) yield [event, eventLine(event)];
      await subscription.acknowledge([ackId], signal);
    }
    if (received.length === 0) await sleep(250, signal);
  }
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

function eventLine({ type, data, time }: ScanEvent): string {
  const name = type.replace(/^no\.nav\.hops\.fileshare\./, '').replace(/\.v1$/, '');
  const subject = 'fileId' in data ? data.fileId : data.sha256;
  const why = 'signature' in data ? data.signature : 'reason' in data ? data.reason : undefined;
  return [time, name.padEnd(15), data.verdict.padEnd(11), subject, why && `(${harmless(why)})`]
    .filter(Boolean)
    .join('  ');
}
