import {
  type Context,
  ROOT_CONTEXT,
  type Span as SdkSpan,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import type { Traceparent } from '../runtime/trace.ts';
import { applicationDefault } from '../storage/credentials.ts';
import { SpanQueue } from './span-queue.ts';
import type { Attributes, Span, SpanOptions, Tracing } from './tracing.ts';

/** Milliseconds for one export, its repeats included. */
const EXPORT_MS = 5_000;
/** https://cloud.google.com/stackdriver/docs/reference/telemetry/overview */
const GOOGLE = 'telemetry.googleapis.com';
const SCOPE = 'https://www.googleapis.com/auth/trace.append';
const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

export interface OtlpOptions {
  /** Base URL: spans go to `v1/traces` below it. */
  readonly endpoint: string;
  /** Attributes of the process, by OpenTelemetry's conventions for resources. */
  readonly resource: Attributes;
  readonly failed: (reason: string, waiting: number) => void;
}

/**
 * Records spans and exports them by OTLP over HTTP, in protobuf. A trace is sampled where its sender says so, and where it
 * begins here.
 * https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
export function connectTracing({ endpoint, resource, failed }: OtlpOptions): Tracing {
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
  const headers = new URL(url).hostname === GOOGLE ? { headers: credentials } : {};
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: EXPORT_MS, ...headers });
  const queue = new SpanQueue(exporter, failed);
  const provider = new TracerProvider({
    resource: defaultResource().merge(resourceFromAttributes(known(resource))),
    spanProcessors: [queue],
  });
  const tracer = provider.getTracer('hops-fileshare');
  return {
    start: (name, options = {}) => new OtlpSpan(tracer, name, options),
    flush: () => queue.forceFlush(),
  };
}

const authorize = applicationDefault(SCOPE);

/** None where there are none: the export is refused then, and tried again. */
async function credentials(): Promise<Record<string, string>> {
  return authorize().then(
    (headers) => Object.fromEntries(headers),
    () => ({}),
  );
}

class OtlpSpan implements Span {
  readonly traceparent: Traceparent;
  readonly #tracer: Tracer;
  readonly #span: SdkSpan;

  constructor(tracer: Tracer, name: string, options: SpanOptions) {
    const { kind, parent, links = [], attributes = {}, startedAt } = options;
    this.#tracer = tracer;
    this.#span = tracer.startSpan(
      name,
      {
        kind: kind ? KINDS[kind] : SpanKind.INTERNAL,
        attributes: known(attributes),
        links: links.map((link) => ({ context: contextOf(link) })),
        ...(startedAt && { startTime: startedAt }),
      },
      within(parent),
    );
    const { traceId, spanId, traceFlags } = this.#span.spanContext();
    this.traceparent = `00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}` as Traceparent;
  }

  set(attributes: Attributes): void {
    this.#span.setAttributes(known(attributes));
  }

  link(to: Traceparent): void {
    this.#span.addLink({ context: contextOf(to) });
  }

  step(name: string, from: Date, to: Date): void {
    this.#tracer.startSpan(name, { startTime: from }, within(this)).end(to);
  }

  end(error?: string): void {
    if (error !== undefined) {
      this.#span.setAttribute('error.type', error);
      this.#span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.#span.end();
  }
}

function within(parent: Span | Traceparent | undefined): Context {
  if (parent === undefined) return ROOT_CONTEXT;
  const isRemote = typeof parent === 'string';
  return trace.setSpanContext(ROOT_CONTEXT, contextOf(isRemote ? parent : parent.traceparent, isRemote));
}

function contextOf(traceparent: Traceparent, isRemote = true): SpanContext {
  const [, traceId = '', spanId = '', flags = ''] = traceparent.split('-');
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote };
}

function known(attributes: Attributes): Record<string, string | number | boolean> {
  const entries = Object.entries(attributes).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  return Object.fromEntries(entries) as Record<string, string | number | boolean>;
}
