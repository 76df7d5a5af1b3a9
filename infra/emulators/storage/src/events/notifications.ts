import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Latency } from '../../../common/latency/latency.ts';
import type { Effect, Faults } from '../faults/faults.ts';
import type { OperationCounts } from '../operation-counts.ts';
import type { Notice } from '../state/state.ts';
import type { CloudEventRequest } from './cloud-event.ts';

/** Longest that a subscriber may take: the ack deadline of Pub/Sub at its most. Milliseconds. */
const ACK_DEADLINE = 600_000;

interface NotifierOptions {
  readonly faults: Faults;
  readonly counts: OperationCounts;
  /** Milliseconds; the wait doubles from `min` to `max`, half of it random. */
  readonly backoffMs: { readonly min: number; readonly max: number };
  readonly latency: Latency | undefined;
  /** Deliveries at a time. */
  readonly concurrency: number;
  /** Where a notice goes and what it says; undefined when nobody subscribes any more. */
  readonly event: (
    notice: Notice,
  ) => { readonly url: string; readonly request: CloudEventRequest } | undefined;
  /** Called once a subscriber has acknowledged. */
  readonly delivered: (notice: Notice) => void;
}

type Attempt =
  | { readonly acknowledged: true }
  | { readonly acknowledged: false; readonly retryAfterMs: number };

/** Delivers finalize notices at least once and in no order, until any 2xx acknowledges. */
export class Notifier {
  readonly #options: NotifierOptions;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #stopping = new AbortController();
  readonly #ready: { readonly notice: Notice; readonly attempt: number }[] = [];
  readonly #running = new Set<Promise<void>>();

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  enqueue(notice: Notice): void {
    this.#schedule(notice, 0);
  }

  /** Gives up deliveries under way; they are made again after the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#agent.destroy();
    await Promise.all(this.#running);
  }

  #schedule(notice: Notice, attempt: number): void {
    if (this.#stopping.signal.aborted) return;
    this.#ready.push({ notice, attempt });
    while (this.#running.size < this.#options.concurrency) {
      const next = this.#ready.shift();
      if (next === undefined) return;
      const running = this.#deliver(next.notice, next.attempt).finally(() => {
        this.#running.delete(running);
        const waiting = this.#ready.shift();
        if (waiting !== undefined) this.#schedule(waiting.notice, waiting.attempt);
      });
      this.#running.add(running);
    }
  }

  async #deliver(notice: Notice, attempt: number): Promise<void> {
    const event = this.#options.event(notice);
    const result = event === undefined ? ACKNOWLEDGED : await this.#attempt(notice, event.url, event.request);
    if (this.#stopping.signal.aborted) return;
    if (result.acknowledged) {
      this.#options.delivered(notice);
      return;
    }
    const { min, max } = this.#options.backoffMs;
    const ceiling = Math.min(max, min * 2 ** Math.min(attempt, 30));
    const wait = Math.max(result.retryAfterMs, ceiling / 2 + (Math.random() * ceiling) / 2);
    const timer = setTimeout(() => {
      this.#stopping.signal.removeEventListener('abort', forget);
      this.#schedule(notice, attempt + 1);
    }, wait);
    const forget = (): void => clearTimeout(timer);
    this.#stopping.signal.addEventListener('abort', forget, { once: true });
  }

  async #attempt(notice: Notice, url: string, event: CloudEventRequest): Promise<Attempt> {
    const { faults, counts, latency } = this.#options;
    const count = counts.of('notify');
    count.calls += 1;
    try {
      const effects = faults.strike('notify', [notice.object]);
      await this.#before(effects);
      const post = () => this.#post(url, event);
      let result = await (latency ? latency.around('notify', post) : post());
      if (effects.some(({ kind }) => kind === 'duplicate')) result = await this.#post(url, event);
      count.bytesOut += Buffer.byteLength(event.body);
      if (result.acknowledged && !effects.some(losesAnswer)) return result;
      count.errors += 1;
      return result.acknowledged ? NOT_ACKNOWLEDGED : result;
    } catch {
      // Refused, cut, too late, or a fault that was ordered: to be tried again in either case.
      count.errors += 1;
      return NOT_ACKNOWLEDGED;
    }
  }

  async #before(effects: readonly Effect[]): Promise<void> {
    const { signal } = this.#stopping;
    for (const effect of effects) {
      if (effect.kind === 'delay') await delay(effect.ms, undefined, { signal });
      else if (effect.kind === 'stall' && effect.when !== 'after')
        await delay(ACK_DEADLINE, undefined, { signal });
      else if (effect.kind === 'error' && effect.when !== 'after') throw new Error('fault');
      else if (effect.kind === 'reset' && effect.when === 'before') throw new Error('fault');
    }
  }

  #post(url: string, { headers, body }: CloudEventRequest): Promise<Attempt> {
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(ACK_DEADLINE)]);
    return new Promise((resolve, reject) => {
      const outgoing = request(url, { method: 'POST', headers, agent: this.#agent, signal }, (response) => {
        const status = response.statusCode ?? 0;
        const retryAfterMs = retryAfter(response.headers['retry-after']);
        response.on('error', reject).resume();
        resolve(status >= 200 && status < 300 ? ACKNOWLEDGED : { acknowledged: false, retryAfterMs });
      });
      outgoing.on('error', reject).end(body);
    });
  }
}

const ACKNOWLEDGED: Attempt = { acknowledged: true };
const NOT_ACKNOWLEDGED: Attempt = { acknowledged: false, retryAfterMs: 0 };

/** Faults of a delivery that was made: the subscriber did its work, and the emulator never learns of it. */
const losesAnswer = (effect: Effect): boolean =>
  (effect.kind === 'reset' || effect.kind === 'error') && effect.when === 'after';

/** Milliseconds, of seconds or of a date (RFC 9110 section 10.2.3). */
function retryAfter(header: string | undefined): number {
  if (header === undefined) return 0;
  const wait = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(wait) ? Math.max(0, wait) : 0;
}
