import { createHash } from 'node:crypto';
import { pino } from 'pino';
import { scanFinalized } from '../../functions/scanner/scan.ts';
import type { ScanContext } from '../../functions/scanner/scan-context.ts';
import { deadLettered } from '../../functions/sweeper/dead-letter.ts';
import type { SweeperDeps } from '../../functions/sweeper/sweeper.ts';
import { reconcileWaiting } from '../../functions/sweeper/waiting.ts';
import { backoff } from '../../infra/emulators/pubsub/src/core/backoff.ts';
import type { Subscription } from '../../infra/emulators/pubsub/src/core/subscription.ts';
import type { EventMessage } from '../../shared/events/cloud-event.ts';
import { notificationOf } from '../../shared/events/finalized.ts';
import { type FileId, newFileId } from '../../shared/files/file-id.ts';
import { type FileRecord, parseSha256 } from '../../shared/files/record.ts';
import type { Versioned } from '../../shared/files/records.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import { ScanFault } from '../../shared/scanning/verdict.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { Tally } from '../../shared/storage/tally.ts';

/** Deployment by the Terraform module. Times are seconds. */
export interface Deployment {
  readonly push: {
    readonly minBackoffSeconds: number;
    readonly maxBackoffSeconds: number;
    readonly maxDeliveryAttempts: number;
  };
  /** Requests that the scanner's instances take together; what is over is refused at once. */
  readonly requests: number;
  /** Seconds that one scan takes. */
  readonly scanSeconds: number;
  readonly sweepEverySeconds: number;
  readonly stuckAfterSeconds: number;
  readonly maxRedrives: number;
  readonly redrivesPerSweep: number;
}

export interface Load {
  readonly files: number;
  readonly withinSeconds: number;
  readonly outageSeconds: number;
}

export interface Outcome {
  readonly states: Readonly<Record<string, number>>;
  /** Seconds from the end of the outage, or the beginning without one, until the last file was decided. */
  readonly decidedAfterSeconds: number;
  readonly pushes: number;
  readonly deadLetters: number;
  readonly redrives: number;
  /** The most attempts that one message took. */
  readonly mostAttempts: number;
}

const OWNER = 'org:889640782' as Principal;
const BYTES = Buffer.from('x');
const UNSCANNED = 'unscanned';
const NO_FINDINGS = { get: async () => undefined };
const never = new AbortController().signal;

interface Message {
  readonly event: EventMessage;
  attempts: number;
}

/**
 * The scanner's and the sweeper's own steps, over objects in memory and a clock that runs as fast as they do. Pub/Sub
 * and Cloud Run are modelled at their worst: no message is held back, and nobody waits for an instance.
 */
export class SimulatedService {
  /** Seconds. */
  #now = 0;
  readonly #deployment: Deployment;
  readonly #records = new Map<string, Versioned>();
  readonly #objects = new Map<string, StoredObject>();
  readonly #due = new Map<number, Message[]>();
  readonly #subscription: Subscription;
  readonly #scan: ScanContext;
  readonly #sweeper: SweeperDeps;
  #down: (now: number) => boolean = () => false;
  /** Scans that can begin in this second. */
  #room = 0;
  #pushes = 0;
  #deadLetters = 0;
  #redrives = 0;
  #mostAttempts = 0;
  #decidedAt = 0;

  constructor(deployment: Deployment) {
    this.#deployment = deployment;
    const { minBackoffSeconds: min, maxBackoffSeconds: max } = deployment.push;
    const retryPolicy = { minimumBackoff: min * 1000, maximumBackoff: max * 1000 };
    // The scheduler reads no more of a subscription than its pauses.
    this.#subscription = { retryPolicy } as unknown as Subscription;
    const records = {
      get: async (id: FileId) => this.#records.get(id),
      judge: async (read: Versioned, record: FileRecord) => this.#judge(read, record),
      reread: async (read: Versioned) => read,
    };
    const unscanned = {
      name: UNSCANNED,
      stat: async (name: string) => this.#objects.get(name),
      read: async () => [BYTES].values(),
      delete: async (name: string) => this.#objects.delete(name),
    };
    const now = () => new Date(this.#now * 1000);
    const log = pino({ level: 'silent' });
    const engine = { engine: '1.4.3' };
    // The scanner uses no more than this for a small file that is clean.
    this.#scan = {
      ...{ records, unscanned, now, log, quarantine: undefined, accepts: new Set(), maxScanBytes: 1000 },
      ...{ candidates: {}, verdictMaxAgeMs: 0, publish: async () => undefined },
      findings: NO_FINDINGS,
      blobs: { findShared: async () => undefined, promote: async () => 'promoted' },
      engine: {
        fit: async () => {
          if (this.#down(this.#now)) throw new ScanFault('unfit', 'an outage');
          return engine;
        },
      },
      admission: {
        run: async (_owner: string, _size: number, work: (signal: AbortSignal) => unknown) => ({
          result: await work(never),
        }),
      },
      scanner: {
        scan: async (bytes: AsyncIterable<Uint8Array>) => {
          for await (const _ of bytes);
          return { kind: 'clean' };
        },
      },
      lease: { aboveBytes: 1000, durationMs: 60_000, holder: 'simulated', now },
      // A scan uses no more than this of one.
    } as unknown as ScanContext;
    // A sweep of files that wait uses no more than this.
    this.#sweeper = {
      ...{ records, unscanned, now, log, findings: NO_FINDINGS, publish: async () => undefined },
      redeliver: async (event: EventMessage) => {
        this.#redrives += 1;
        this.#schedule({ event, attempts: 0 }, 1);
      },
      stuckAfterMs: deployment.stuckAfterSeconds * 1000,
      maxRedrives: deployment.maxRedrives,
      redrivesPerSweep: deployment.redrivesPerSweep,
      // As above.
    } as unknown as SweeperDeps;
  }

  /**
   * @param load how many files arrive, evenly within so many seconds, and for how long from the beginning the engine is
   * unfit
   */
  async run({ files, withinSeconds, outageSeconds }: Load): Promise<Outcome> {
    this.#down = (now) => now < outageSeconds;
    for (let file = 0; file < files; file++) this.#upload(Math.floor((file / files) * withinSeconds));
    for (; this.#objects.size > 0; this.#now++) {
      if (this.#now % 3_600 === 0 && !this.#anyWaits()) break;
      await this.#deliver();
      if (this.#now % this.#deployment.sweepEverySeconds === 0) await this.#sweep();
    }
    const states: Record<string, number> = {};
    for (const { record } of this.#records.values()) states[record.state] = (states[record.state] ?? 0) + 1;
    return {
      states,
      decidedAfterSeconds: this.#decidedAt - outageSeconds,
      pushes: this.#pushes,
      deadLetters: this.#deadLetters,
      redrives: this.#redrives,
      mostAttempts: this.#mostAttempts,
    };
  }

  #upload(second: number): void {
    const id = newFileId(OWNER);
    const tally = new Tally();
    tally.update(BYTES);
    const { crc32c } = tally.digests();
    const sha256 = parseSha256(createHash('sha256').update(BYTES).digest('hex'));
    if (!sha256) throw new Error('no digest');
    const createdAt = new Date(second * 1000);
    const content = { size: BYTES.length, sha256, crc32c };
    const stored = { id, owner: OWNER, viewers: [], createdAt, contentType: 'text/plain', content };
    // Generations are branded: these were not parsed.
    const object = {
      ...{ bucket: UNSCANNED, name: id, generation: '1', metageneration: '1', size: BYTES.length },
      ...{ crc32c, contentType: 'text/plain', timeCreated: createdAt, metadata: {} },
    } as unknown as StoredObject;
    this.#objects.set(id, object);
    this.#records.set(id, { record: { ...stored, state: 'pending' }, object });
    const { data, attributes } = notificationOf(object, createdAt);
    const { redrivenAt: _, ...own } = attributes;
    this.#schedule({ event: { data, attributes: own }, attempts: 0 }, second + 1);
  }

  #judge(read: Versioned, record: FileRecord): Versioned | undefined {
    if (this.#records.get(record.id) !== read && this.#records.get(record.id)?.object !== read.object)
      return undefined;
    const written = { record, object: { ...read.object } };
    this.#records.set(record.id, written);
    if ('scan' in record) this.#decidedAt = this.#now;
    return written;
  }

  #schedule(message: Message, seconds: number): void {
    const at = this.#now + Math.max(1, Math.ceil(seconds));
    const due = this.#due.get(at);
    if (due) due.push(message);
    else this.#due.set(at, [message]);
  }

  async #deliver(): Promise<void> {
    const due = this.#due.get(this.#now) ?? [];
    this.#due.delete(this.#now);
    const rate = this.#deployment.requests / this.#deployment.scanSeconds;
    let room = Math.min(this.#room + rate, Math.max(rate, 1));
    for (const message of due) {
      this.#pushes += 1;
      message.attempts += 1;
      this.#mostAttempts = Math.max(this.#mostAttempts, message.attempts);
      const taken = room >= 1 && (await this.#scanned(message));
      if (taken) room -= 1;
      else await this.#refused(message);
    }
    this.#room = room;
  }

  async #scanned({ event }: Message): Promise<boolean> {
    const object = JSON.parse(event.data.toString()) as { name: string };
    const named = this.#objects.get(object.name);
    if (!named) return true;
    return (await scanFinalized(this.#scan, named, never).catch(() => ({ kind: 'later' }))).kind === 'done';
  }

  async #refused(message: Message): Promise<void> {
    const { maxDeliveryAttempts } = this.#deployment.push;
    if (message.attempts < maxDeliveryAttempts) {
      return this.#schedule(message, backoff(this.#subscription, message.attempts) / 1000);
    }
    this.#deadLetters += 1;
    const { data, attributes } = message.event;
    await deadLettered(this.#sweeper, { message: { data: data.toString('base64'), attributes } });
  }

  async #sweep(): Promise<void> {
    const allowance = { redrives: this.#deployment.redrivesPerSweep };
    for (const object of [...this.#objects.values()])
      await reconcileWaiting(this.#sweeper, object, allowance);
  }

  #anyWaits(): boolean {
    return [...this.#records.values()].some(({ record }) => record.state === 'pending');
  }
}
