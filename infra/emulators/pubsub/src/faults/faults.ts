import type { Clock } from '../core/clock.ts';
import { RpcError, type StatusName } from '../core/status.ts';
import type { MethodName } from '../methods/method-name.ts';

export interface Fault {
  readonly method: MethodName;
  /** Calls to hit; 1 by default. */
  readonly times?: number;
}

export interface Failure extends Fault {
  /** UNAVAILABLE by default. */
  readonly code?: StatusName;
  /** The call takes effect and only its answer is lost. */
  readonly after?: boolean;
}

export interface Stall extends Fault {
  /** The call takes effect. */
  readonly after?: boolean;
}

export interface Delay extends Fault {
  readonly milliseconds: number;
}

type Effect = (call: () => Promise<unknown>) => Promise<unknown>;

interface Planned {
  readonly method: string;
  readonly effect: Effect;
  left: number;
}

/**
 * Faults for tests: each hits the next calls of a method, on either wire, in the order they were planned.
 * On StreamingPull they hit the opening of a stream.
 */
export class Faults {
  readonly #clock: Clock;
  readonly #planned: Planned[] = [];
  readonly #stalled = new Set<(reason: RpcError) => void>();
  #struck = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  fail({ code = 'UNAVAILABLE', after = false, ...fault }: Failure): void {
    this.#plan(fault, async (call) => {
      if (after) await call();
      throw new RpcError(code, `planned fault in ${fault.method}`);
    });
  }

  delay({ milliseconds, ...fault }: Delay): void {
    this.#plan(fault, async (call) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#clock.after(milliseconds, resolve);
      await promise;
      return call();
    });
  }

  /** The call is never answered, until `clear` or the emulator's end refuses it. */
  stall({ after = false, ...fault }: Stall): void {
    this.#plan(fault, async (call) => {
      if (after) await call();
      const { promise, reject } = Promise.withResolvers<never>();
      this.#stalled.add(reject);
      return promise;
    });
  }

  /** How many calls have been hit since the last {@link clear}. */
  get struck(): number {
    return this.#struck;
  }

  /** Forgets what is planned, and refuses what is stalled with UNAVAILABLE. */
  clear(): void {
    this.#planned.length = 0;
    this.#struck = 0;
    for (const reject of this.#stalled) reject(new RpcError('UNAVAILABLE', 'the stalled call was given up'));
    this.#stalled.clear();
  }

  async apply<T>(method: string, call: () => Promise<T>): Promise<T>;
  async apply(method: string, call: () => Promise<unknown>): Promise<unknown> {
    const fault = this.#planned.find((planned) => planned.method === method && planned.left > 0);
    if (!fault) return call();
    fault.left--;
    this.#struck++;
    return fault.effect(call);
  }

  #plan({ method, times = 1 }: Fault, effect: Effect): void {
    this.#planned.push({ method, effect, left: times });
  }
}
