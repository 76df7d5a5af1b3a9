import { parseFileId } from '../../shared/files/file-id.ts';
import type { Traceparent } from '../../shared/runtime/trace.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { startProcessing } from '../../shared/tracing/delivery.ts';
import type { Span, Tracing } from '../../shared/tracing/tracing.ts';
import type { Outcome } from './outcome.ts';

/** A push as received. */
export interface Pushed {
  readonly body: unknown;
  /** Span of the request. */
  readonly request: Traceparent;
  readonly startedAt: Date;
}

/** The span of the delivery that a scan began with. Which trace it is of, the record says: so it begins later, as of the push. */
export class TracedDelivery {
  readonly #tracing: Tracing;
  readonly #pushed: Pushed;
  #about: Traceparent | undefined;
  #span: Span | undefined;

  constructor(tracing: Tracing, pushed: Pushed) {
    this.#tracing = tracing;
    this.#pushed = pushed;
  }

  /** Again, it is the same. */
  begin(about: Traceparent | undefined): Span {
    this.#about ??= about;
    this.#span ??= startProcessing(this.#tracing, this.#pushed.body, { ...this.#pushed, about });
    return this.#span;
  }

  ended(object: StoredObject, outcome: Outcome): Outcome {
    end(this.begin(undefined), object, outcome);
    return outcome;
  }

  /** Another delivery of the same event, which waits for this scan: its span names that of the scan. */
  async joined(pushed: Pushed, object: StoredObject, scanning: Promise<Outcome>): Promise<Outcome> {
    const outcome = await scanning;
    const links = [this.begin(undefined).traceparent];
    const span = startProcessing(this.#tracing, pushed.body, { ...pushed, about: this.#about, links });
    end(span, object, outcome);
    return outcome;
  }
}

function end(span: Span, { name }: StoredObject, { kind }: Outcome): void {
  span.set({ 'fileshare.file.id': parseFileId(name) });
  span.end(kind === 'later' ? kind : undefined);
}
