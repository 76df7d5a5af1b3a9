import { detectsCanary } from '../../shared/scanning/canary.ts';
import type { Scanner } from '../../shared/scanning/clamd.ts';
import type { EngineVersion } from '../../shared/scanning/engine.ts';
import { ScanFault } from '../../shared/scanning/verdict.ts';

interface GateOptions {
  /** Milliseconds that the signatures may be old. */
  readonly maxAgeMs: number;
  /** Whether signatures that carry no date will do: development ones. */
  readonly allowUndated: boolean;
  /** Milliseconds for which an engine that was found fit is not asked again. */
  readonly recheckMs: number;
  readonly now: () => Date;
}

/**
 * Says whether the engine may decide anything now. That it answers PING means only that it lives: without
 * signatures it calls everything clean. Fit is an engine that finds the EICAR canary, finds nothing in a clean one,
 * and whose signatures are fresh.
 */
export class EngineGate {
  readonly #scanner: Scanner;
  readonly #options: GateOptions;
  #fit: { engine: EngineVersion; until: number } | undefined;
  #asking: Promise<EngineVersion> | undefined;

  constructor(scanner: Scanner, options: GateOptions) {
    this.#scanner = scanner;
    this.#options = options;
  }

  /**
   * The engine, where it is fit. Those who ask at the same time are answered by one check.
   * @throws {ScanFault} `unfit` where it is not, or why it does not answer
   */
  async fit(): Promise<EngineVersion> {
    if (this.#fit && performance.now() < this.#fit.until) return this.#fit.engine;
    this.#asking ??= this.#check().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #check(): Promise<EngineVersion> {
    this.#fit = undefined;
    // Asked before the canaries: signatures that are loaded in between are newer than this.
    const engine = await this.#scanner.version();
    const stale = this.#staleness(engine);
    if (stale) throw new ScanFault('unfit', stale);
    if (!(await detectsCanary(this.#scanner))) {
      throw new ScanFault('unfit', 'clamd does not tell the EICAR test file from a harmless one');
    }
    this.#fit = { engine, until: performance.now() + this.#options.recheckMs };
    return engine;
  }

  #staleness({ databaseDate }: EngineVersion): string | undefined {
    const { maxAgeMs, allowUndated, now } = this.#options;
    if (databaseDate === undefined) return allowUndated ? undefined : 'the signatures carry no date';
    const age = now().getTime() - Date.parse(databaseDate);
    // Not "older than": an age that is no number must not pass.
    return age <= maxAgeMs ? undefined : `the signatures are of ${databaseDate}, older than allowed`;
  }
}
