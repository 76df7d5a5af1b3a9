import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { outsideType } from './strict.ts';

// The definitions that OpenTelemetry publishes, unchanged.
const root = new protobuf.Root();
root.resolvePath = (_origin, target) => join(import.meta.dirname, target);
root.loadSync('opentelemetry/proto/collector/trace/v1/trace_service.proto').resolveAll();
const REQUEST = root.lookupType('opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest');
const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'] as const;

export interface ReceivedSpan {
  readonly name: string;
  readonly kind: (typeof KINDS)[number];
  /** Lower-case hex digits, as those that follow. */
  readonly traceId: string;
  readonly spanId: string;
  /** Empty where it begins a trace. */
  readonly parentSpanId: string;
  readonly links: readonly string[];
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly failed: boolean;
  /** Nanoseconds since 1970. */
  readonly start: bigint;
  readonly end: bigint;
  readonly resource: Readonly<Record<string, unknown>>;
}

type Reaction = (response: ServerResponse) => void;
export const accepts: Reaction = (response) => {
  response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
};

/** A collector that takes OTLP over HTTP in protobuf, and notes whatever is not as its definitions say. */
export class Collector {
  readonly spans: ReceivedSpan[] = [];
  /** All bodies as text, to look for what should not be in them. */
  readonly texts: string[] = [];
  readonly violations: string[] = [];
  requests = 0;
  react: Reaction = accepts;
  readonly #server = createServer((request, response) => void this.#take(request, response));

  async listen(port = 0): Promise<void> {
    await new Promise<void>((done) => this.#server.listen(port, '127.0.0.1', done));
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  of(traceId: string): readonly ReceivedSpan[] {
    return this.spans.filter((span) => span.traceId === traceId);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests += 1;
    const body = Buffer.concat((await request.toArray().catch(() => [])) as Buffer[]);
    const { method, url, headers } = request;
    const head = `${method} ${url} ${headers['content-type']}`;
    if (head !== 'POST /v1/traces application/x-protobuf') this.violations.push(head);
    if (this.react === accepts) this.#read(body);
    this.react(response);
  }

  #read(body: Buffer): void {
    this.violations.push(...outsideType(REQUEST, body));
    this.texts.push(body.toString('latin1'));
    // A decoded message has the fields of its published definition.
    const { resourceSpans } = REQUEST.decode(body) as unknown as Export;
    for (const { resource, scopeSpans } of resourceSpans) {
      for (const span of scopeSpans.flatMap((scope) => scope.spans)) {
        const received = spanOf(span, attributesOf(resource.attributes));
        this.violations.push(...outsideRules(received));
        // One that was exported again, since its first answer was lost.
        if (!this.spans.some(({ spanId }) => spanId === received.spanId)) this.spans.push(received);
      }
    }
  }
}

interface Value {
  readonly value?: string;
  readonly [kind: string]: unknown;
}
type Attributes = readonly { readonly key: string; readonly value: Value }[];
interface Long {
  toString(): string;
}
interface WireSpan {
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly parentSpanId: Uint8Array;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: Long;
  readonly endTimeUnixNano: Long;
  readonly attributes: Attributes;
  readonly links: readonly { readonly traceId: Uint8Array; readonly spanId: Uint8Array }[];
  readonly status?: { readonly code: number } | null;
}
interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Attributes };
    readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[];
  }[];
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function attributesOf(attributes: Attributes): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      const found = value[value.value ?? ''];
      return [key, typeof found === 'object' ? Number(String(found)) : found];
    }),
  );
}

function spanOf(span: WireSpan, resource: Record<string, unknown>): ReceivedSpan {
  return {
    name: span.name,
    kind: KINDS[span.kind] ?? 'UNSPECIFIED',
    traceId: hex(span.traceId),
    spanId: hex(span.spanId),
    parentSpanId: hex(span.parentSpanId),
    links: span.links.map((link) => hex(link.spanId)),
    attributes: attributesOf(span.attributes),
    failed: span.status?.code === 2,
    start: BigInt(String(span.startTimeUnixNano)),
    end: BigInt(String(span.endTimeUnixNano)),
    resource,
  };
}

/** The rules that the definitions have in words. */
function outsideRules({
  name,
  kind,
  traceId,
  spanId,
  parentSpanId,
  start,
  end,
  attributes,
}: ReceivedSpan): string[] {
  const rules = {
    'has a name': name !== '',
    'has a kind': kind !== 'UNSPECIFIED',
    'has the id of a trace': /^(?!0{32})[0-9a-f]{32}$/.test(traceId),
    'has an id': /^(?!0{16})[0-9a-f]{16}$/.test(spanId),
    'has a parent or none': /^([0-9a-f]{16})?$/.test(parentSpanId),
    'ends after it begins': start > 0n && end >= start,
    'has no undefined value': Object.values(attributes).every((value) => value !== undefined),
  };
  return Object.entries(rules).flatMap(([rule, holds]) => (holds ? [] : [`a span (${name}) ${rule}`]));
}
