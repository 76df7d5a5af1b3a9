import { setTimeout as delay } from 'node:timers/promises';
import { ConnectionRate } from './connection-rate.ts';
import flat from './flat.json' with { type: 'json' };
import googleCloud from './google-cloud.json' with { type: 'json' };
import { randomFrom } from './random.ts';

/** How long one operation takes. */
interface OperationLatency {
  readonly medianMs: number;
  readonly p99Ms: number;
}

type Profile = Readonly<Record<string, OperationLatency>>;

interface NamedProfile {
  readonly operations: Profile;
  /** Bytes a second that one connection carries each way; by default as much as the machine does. */
  readonly connectionBytesPerSecond?: number;
}

const PROFILES: Readonly<Record<string, NamedProfile>> = { 'google-cloud': googleCloud, flat };

/** Standard deviations between the median and the 99th percentile of a normal distribution. */
const Z99 = 2.3263;
/** No sample is drawn beyond so many times the 99th percentile. */
const CEILING = 5;

/**
 * Latencies of a profile, drawn from a seed. They are lognormal, as those of object storage roughly are:
 * https://spiraldb.com/post/so-you-want-to-use-object-storage. The nth call of an operation always takes the same time,
 * whatever other operations come between.
 */
export class Latency {
  readonly #profile: Profile;
  readonly #seed: number;
  readonly #sleep: (ms: number) => Promise<unknown>;
  readonly #random = new Map<string, () => number>();
  /** Limits what a connection receives and what it sends; absent without a limit. */
  readonly rates: { readonly received: ConnectionRate; readonly sent: ConnectionRate } | undefined;

  /**
   * @param sleep waits so many milliseconds; a timer by default
   * @param bytesPerSecond what one connection carries each way
   */
  constructor(
    profile: Profile,
    seed: number,
    sleep: (ms: number) => Promise<unknown> = delay,
    bytesPerSecond?: number,
  ) {
    this.#profile = profile;
    this.#seed = seed;
    this.#sleep = sleep;
    this.rates =
      bytesPerSecond === undefined
        ? undefined
        : { received: new ConnectionRate(bytesPerSecond), sent: new ConnectionRate(bytesPerSecond) };
  }

  /** Milliseconds for the next call of an operation; 0 for one that the profile does not have. */
  next(operation: string): number {
    const latency = this.#profile[operation];
    if (latency === undefined) return 0;
    const { medianMs, p99Ms } = latency;
    const sigma = Math.log(p99Ms / medianMs) / Z99;
    const drawn = medianMs * Math.exp(sigma * normal(this.#generator(operation)));
    return Math.min(drawn, p99Ms * CEILING);
  }

  /** Does `work` in the middle of the next latency: a request takes time to arrive, and its answer to return. */
  async around<Result>(operation: string, work: () => Result | Promise<Result>): Promise<Result> {
    const half = this.next(operation) / 2;
    if (half === 0) return work();
    await this.#sleep(half);
    const result = await work();
    await this.#sleep(half);
    return result;
  }

  #generator(operation: string): () => number {
    const existing = this.#random.get(operation);
    if (existing !== undefined) return existing;
    const made = randomFrom(hash(`${this.#seed}:${operation}`));
    this.#random.set(operation, made);
    return made;
  }
}

/**
 * Reads `off`, or the name of a profile with an optional seed: `google-cloud:42`.
 * @throws Error one line that says what it should be
 */
export function parseLatency(text: string, sleep?: (ms: number) => Promise<unknown>): Latency | undefined {
  if (text === 'off') return undefined;
  const [, name = '', seed = '1'] = /^([a-z-]+)(?::(\d{1,9}))?$/.exec(text) ?? [];
  const profile = Object.hasOwn(PROFILES, name) ? PROFILES[name] : undefined;
  if (profile === undefined) {
    throw new Error(`LATENCY should be off or ${Object.keys(PROFILES).join(', ')}, with :SEED or without`);
  }
  return new Latency(profile.operations, Number(seed), sleep, profile.connectionBytesPerSecond);
}

/** Box-Muller: a standard normal number of two uniform ones. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
}
