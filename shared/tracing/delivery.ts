import { defined } from '../runtime/defined.ts';
import { parseTraceparent, type Traceparent } from '../runtime/trace.ts';
import type { Attributes, Span, Tracing } from './tracing.ts';

/**
 * The attribute of a message that names the span which sent it, as Google's client libraries write and read it:
 * https://cloud.google.com/pubsub/docs/open-telemetry-tracing
 */
export const SENT_BY = 'googclient_traceparent';

/** A message of Pub/Sub as it is pushed. */
interface Push {
  readonly message?: {
    readonly messageId?: unknown;
    readonly attributes?: Readonly<Record<string, unknown>>;
  };
  readonly subscription?: unknown;
  readonly deliveryAttempt?: unknown;
}

export interface Delivery {
  /** Span of what the message is about: the upload of a file. Absent where nobody knows of one. */
  readonly about: Traceparent | undefined;
  /** Span of the push. */
  readonly request: Traceparent;
  readonly startedAt?: Date;
  readonly links?: readonly Traceparent[];
}

/**
 * Begins the span of a pushed message. Its parent is the span of the upload, so that all of a file is one trace, sampled or
 * not as the upload was, also where the message comes again or another has sent it; the span that sent it is a link.
 * https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/#consumer-spans
 * @param body of the push, parsed
 */
export function startProcessing(tracing: Tracing, body: unknown, delivery: Delivery): Span {
  const { message, subscription, deliveryAttempt } = (body ?? {}) as Push;
  const name = typeof subscription === 'string' ? subscription.replace(/^.*\//, '') : undefined;
  const sentBy = parseTraceparent(String(message?.attributes?.[SENT_BY] ?? ''));
  const attributes: Attributes = {
    'messaging.system': 'gcp_pubsub',
    'messaging.operation.type': 'process',
    'messaging.operation.name': 'process',
    'messaging.destination.name': name,
    'messaging.destination.subscription.name': name,
    'messaging.message.id': textOf(message?.messageId),
    'messaging.gcp_pubsub.message.delivery_attempt': numberOf(deliveryAttempt),
    'faas.trigger': 'pubsub',
  };
  const { about, request, startedAt, links = [] } = delivery;
  const parent = about ?? sentBy ?? request;
  return tracing.start(name === undefined ? 'process' : `process ${name}`, {
    kind: 'consumer',
    parent,
    links: [...(sentBy && sentBy !== parent ? [sentBy] : []), ...links],
    attributes,
    ...defined({ startedAt }),
  });
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
