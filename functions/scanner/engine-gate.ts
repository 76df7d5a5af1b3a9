import { detectsCanary } from '../../shared/scanning/canary.ts';
import type { Scanner } from '../../shared/scanning/clamd.ts';
import type { EngineVersion } from '../../shared/scanning/engine.ts';
import { ScanFault } from '../../shared/scanning/verdict.ts';

interface GateOptions {
  /** Maximum age of the signatures in milliseconds. */
  readonly maxAgeMs: number;
  /** Whether signatures without a date are accepted, for development. */
  readonly allowUndated: boolean;
  /** Milliseconds until an engine that was found fit is checked again. */
  readonly recheckMs: number;
  readonly now: () => Date;
}

/**
 * Checks whether the engine may give verdicts now. An answer to PING only means that it runs: without signatures, it
 * reports everything as clean. An engine is fit if it finds the EICAR canary, finds nothing in a clean one, and has
 * fresh signatures.
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
   * Returns the engine if it is fit. Concurrent callers share one check.
   * @throws {ScanFault} `unfit` if it is not, or the reason why it does not answer
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
    // Read before the canaries: signatures loaded in between can only be newer.
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
    // Not "older than": an age of NaN must not pass.
    return age <= maxAgeMs ? undefined : `the signatures are of ${databaseDate}, older than allowed`;
  }
}
