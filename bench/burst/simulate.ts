import { randomFrom } from '../../infra/emulators/common/latency/random.ts';
import type { ModuleDefaults } from '../stage/module-defaults.ts';
import { EventQueue } from './event-queue.ts';
import { PushWindow } from './push-window.ts';
import { Instance, instancesToStart, type Scaling, type ServiceTimes, type Slots } from './scaling.ts';

export interface Burst {
  readonly files: number;
  /** Seconds in which they arrive, evenly spread. */
  readonly withinSeconds: number;
  readonly seed: number;
  readonly scaling: Scaling;
  readonly limits: Slots;
  readonly times: ServiceTimes;
  /** Seconds that a request waits for an instance before Cloud Run answers 429. */
  readonly pendingSeconds: number;
  readonly push: ModuleDefaults['push'];
}

export interface BurstOutcome {
  readonly decided: number;
  /** Seconds from the beginning until the last file was decided. */
  readonly seconds: number;
  /** Deliveries that Cloud Run (429) or the scanner (503) refused: each is an attempt lost. */
  readonly refusals: { readonly byCloudRun: number; readonly byScanner: number };
  readonly deliveries: number;
  /** Files that ran out of attempts, which the sweeper has to bring back. */
  readonly deadLetters: number;
  readonly mostAttempts: number;
  readonly mostInstances: number;
  /** Files decided until the end of each second. */
  readonly progress: readonly number[];
}

interface Message {
  attempts: number;
}

/** Service times vary evenly by so much to either side. */
const SPREAD = 0.3;

/** The outcome of many files at once by Pub/Sub's push and Cloud Run's scaling, as documented. The same seed gives the same. */
export function simulateBurst(burst: Burst): BurstOutcome {
  return new Simulation(burst).run();
}

class Simulation {
  readonly #burst: Burst;
  readonly #events = new EventQueue();
  readonly #random: () => number;
  readonly #window = new PushWindow();
  /** Messages that Pub/Sub may push. */
  readonly #ready: Message[] = [];
  #nextReady = 0;
  #underWay = 0;
  readonly #instances: Instance[] = [];
  #starting = 0;
  #mostInstances = 0;
  /** Requests for which no instance has room. */
  readonly #pending = new Set<(instance: Instance) => void>();
  #decided = 0;
  #deadLetters = 0;
  #deliveries = 0;
  #mostAttempts = 0;
  readonly #refusals = { byCloudRun: 0, byScanner: 0 };
  readonly #progress: number[] = [];

  constructor(burst: Burst) {
    this.#burst = burst;
    this.#random = randomFrom(burst.seed);
  }

  run(): BurstOutcome {
    const { files, withinSeconds, scaling } = this.#burst;
    for (let at = 0; at < scaling.minInstances; at += 1) this.#begin();
    for (let at = 0; at < files; at += 1) {
      this.#events.after(this.#random() * withinSeconds, () => this.#arrive({ attempts: 0 }));
    }
    this.#events.run(() => this.#decided + this.#deadLetters === files);
    return {
      decided: this.#decided,
      seconds: this.#events.now,
      refusals: this.#refusals,
      deliveries: this.#deliveries,
      deadLetters: this.#deadLetters,
      mostAttempts: this.#mostAttempts,
      mostInstances: this.#mostInstances,
      progress: this.#progress,
    };
  }

  #arrive(message: Message): void {
    this.#ready.push(message);
    this.#pushMore();
  }

  #pushMore(): void {
    while (this.#underWay < this.#window.size) {
      const message = this.#ready[this.#nextReady];
      if (!message) return;
      this.#nextReady += 1;
      this.#push(message);
    }
  }

  #push(message: Message): void {
    this.#underWay += 1;
    this.#deliveries += 1;
    message.attempts += 1;
    this.#mostAttempts = Math.max(this.#mostAttempts, message.attempts);
    const free = this.#freest();
    if (free) this.#serve(message, free);
    else this.#hold(message);
    this.#scale();
  }

  #freest(): Instance | undefined {
    let freest: Instance | undefined;
    for (const instance of this.#instances) {
      if (instance.requests >= this.#burst.scaling.concurrency) continue;
      if (!freest || instance.requests < freest.requests) freest = instance;
    }
    return freest;
  }

  #hold(message: Message): void {
    const serve = (instance: Instance) => this.#serve(message, instance);
    this.#pending.add(serve);
    this.#events.after(this.#burst.pendingSeconds, () => {
      if (!this.#pending.delete(serve)) return;
      this.#refusals.byCloudRun += 1;
      this.#refused(message);
    });
  }

  #serve(message: Message, instance: Instance): void {
    const { outsideSlot, inSlot } = this.#burst.times;
    instance.requests += 1;
    this.#events.after(this.#varied(outsideSlot / 2), () => {
      const taken = instance.takeSlot(() =>
        this.#events.after(this.#varied(inSlot), () => {
          instance.giveSlotBack();
          this.#events.after(this.#varied(outsideSlot / 2), () => {
            this.#decide();
            this.#leave(instance);
          });
        }),
      );
      if (taken) return;
      this.#refusals.byScanner += 1;
      this.#refused(message);
      this.#leave(instance);
    });
  }

  #varied(seconds: number): number {
    return seconds * (1 + SPREAD * (2 * this.#random() - 1));
  }

  #decide(): void {
    this.#decided += 1;
    this.#progress[Math.floor(this.#events.now)] = this.#decided;
    this.#underWay -= 1;
    this.#window.grow();
    this.#pushMore();
  }

  #refused(message: Message): void {
    const { minBackoffSeconds, maxBackoffSeconds, maxDeliveryAttempts } = this.#burst.push;
    this.#underWay -= 1;
    this.#window.shrink(this.#events.now);
    if (message.attempts >= maxDeliveryAttempts) this.#deadLetters += 1;
    else {
      const pause = Math.min(maxBackoffSeconds, minBackoffSeconds * 2 ** (message.attempts - 1));
      this.#events.after(pause, () => this.#arrive(message));
    }
    this.#pushMore();
  }

  #leave(instance: Instance): void {
    instance.requests -= 1;
    this.#admit(instance);
  }

  #admit(instance: Instance): void {
    for (const serve of this.#pending) {
      if (instance.requests >= this.#burst.scaling.concurrency) return;
      this.#pending.delete(serve);
      serve(instance);
    }
  }

  #scale(): void {
    const { scaling } = this.#burst;
    const running = this.#instances.length;
    if (running + this.#starting >= scaling.maxInstances) return;
    const requests = this.#underWay;
    const count = instancesToStart(scaling, { requests, running, starting: this.#starting });
    this.#starting += count;
    for (let at = 0; at < count; at += 1) {
      this.#events.after(scaling.startSeconds, () => {
        this.#starting -= 1;
        this.#begin();
        this.#scale();
      });
    }
  }

  #begin(): void {
    const instance = new Instance(this.#burst.limits);
    this.#instances.push(instance);
    this.#mostInstances = Math.max(this.#mostInstances, this.#instances.length);
    this.#admit(instance);
  }
}
