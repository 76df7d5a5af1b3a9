import { newTraceparent, type Traceparent } from '../runtime/trace.ts';

export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface SpanOptions {
  /** Internal by default. */
  readonly kind?: 'server' | 'client' | 'producer' | 'consumer';
  /** Span of this process, or of another as a message or a request names it; absent where a trace begins. */
  readonly parent?: Span | Traceparent | undefined;
  /** Spans that led to this one and are not its parent. */
  readonly links?: readonly Traceparent[];
  readonly attributes?: Attributes;
  /** Now by default. */
  readonly startedAt?: Date;
}

/** A piece of work in a trace. No attribute has a file name, a principal, an address or a token in it. */
export interface Span {
  /** Itself, as what follows from it names it. */
  readonly traceparent: Traceparent;
  set(attributes: Attributes): void;
  /** Names a span that led to this one too. */
  link(to: Traceparent): void;
  /** Adds a child that is over. */
  step(name: string, from: Date, to: Date): void;
  /** @param error a short word for a class of failures; absent where there was none */
  end(error?: string): void;
}

/** Begins spans, and exports those that ended. Nothing of it throws or rejects. */
export interface Tracing {
  start(name: string, options?: SpanOptions): Span;
  /** Exports what ended so far. No request waits for it. */
  flush(): Promise<void>;
}

const NOTHING = (): void => undefined;

/** Records nothing; what follows from such a span follows from its parent. */
export const UNTRACED: Tracing = {
  start: (_name, { parent } = {}) => untraced(parent),
  flush: async () => undefined,
};

export function untraced(parent: Span | Traceparent = newTraceparent()): Span {
  const traceparent = typeof parent === 'string' ? parent : parent.traceparent;
  return { traceparent, set: NOTHING, link: NOTHING, step: NOTHING, end: NOTHING };
}
