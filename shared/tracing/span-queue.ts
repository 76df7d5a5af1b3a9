import { TraceFlags } from '@opentelemetry/api';
import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace';

/** Spans: about a kilobyte each. */
const MOST = 2_048;
const AT_ONCE = 512;
/** Milliseconds for one attempt, whatever it waits for. */
const ATTEMPT_MS = 10_000;
/** Refusals that may pass, as a grant is made or a collector recovers. */
const PASSING: ReadonlySet<number> = new Set([401, 403, 404, 408, 429]);

/**
 * Spans that ended and are not exported yet. One attempt at a time is made when somebody asks for it, and what it could not
 * send is kept for the next. An instance of Cloud Run has no CPU between its requests: a timer would fire whenever, and an
 * export that was interrupted would be lost (docs/adr/0048). The oldest go where too many wait.
 */
export class SpanQueue implements SpanProcessor {
  readonly #exporter: SpanExporter;
  readonly #failed: (reason: string, waiting: number) => void;
  #waiting: ReadableSpan[] = [];
  #sending: Promise<void> | undefined;
  #failing = false;

  /** @param failed is told of the first failure after a success */
  constructor(exporter: SpanExporter, failed: (reason: string, waiting: number) => void) {
    this.#exporter = exporter;
    this.#failed = failed;
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if (!(span.spanContext().traceFlags & TraceFlags.SAMPLED)) return;
    this.#waiting.push(span);
    if (this.#waiting.length > MOST) this.#waiting.shift();
  }

  forceFlush(): Promise<void> {
    this.#sending ??= this.#send();
    return this.#sending;
  }

  async shutdown(): Promise<void> {
    await this.forceFlush();
  }

  async #send(): Promise<void> {
    // Never at once: what is set here is cleared below.
    await undefined;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, AT_ONCE);
      this.#waiting = this.#waiting.slice(AT_ONCE);
      const error = await this.#attempt(batch);
      if (!this.#failing && error) this.#failed(reasonOf(error), batch.length + this.#waiting.length);
      this.#failing = error !== undefined;
      if (!error) continue;
      if (mayPass(error)) this.#waiting = [...batch, ...this.#waiting].slice(-MOST);
      break;
    }
    this.#sending = undefined;
  }

  async #attempt(batch: ReadableSpan[]): Promise<Error | undefined> {
    const { promise: late, resolve } = Promise.withResolvers<Error>();
    const timer = setTimeout(() => resolve(new Error('timeout')), ATTEMPT_MS);
    const sent = new Promise<Error | undefined>((done) => {
      this.#exporter.export(batch, ({ code, error }) =>
        done(code === 0 ? undefined : (error ?? new Error())),
      );
    });
    try {
      return await Promise.race([sent, late]);
    } catch (error) {
      return error as Error;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The status of the answer, where there was one. */
function statusOf(error: Error): number | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === 'number' ? code : undefined;
}

/** Spans that a collector refuses for what they are would be refused for ever. */
function mayPass(error: Error): boolean {
  const status = statusOf(error);
  return status === undefined || status >= 500 || PASSING.has(status);
}

/** Messages may have an address or an answer in them. */
function reasonOf(error: Error): string {
  const { code } = error as { code?: unknown };
  return code === undefined ? error.message.slice(0, 200) : String(code);
}
