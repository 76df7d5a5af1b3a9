import { defined } from '../runtime/defined.ts';
import type { Traceparent } from '../runtime/trace.ts';
import type { Span } from '../tracing/tracing.ts';

/** A message of Pub/Sub: JSON, and attributes that subscriptions can filter on. */
export interface EventMessage {
  readonly data: Buffer;
  readonly attributes: Readonly<Record<string, string>>;
  /** Messages with the same one come in the order of their publication, where topic and subscription do that. */
  readonly orderingKey?: string;
  /** Span that the message is about, where its attributes do not name it; it is not sent. */
  readonly about?: Traceparent | undefined;
}

/**
 * Resolves once Pub/Sub has the message; rejects where it could not be had to take it in time.
 * @param within span of the work that sends it; without one, it is sent as a part of what the event is about
 */
export type Publish = (event: EventMessage, within?: Span) => Promise<void>;

/** The types of events, each with a schema in `schemas/` of the same name. */
export type EventName =
  | 'scan.completed.v1'
  | 'scan.failed.v1'
  | 'file.downloaded.v1'
  | 'file.deleted.v1'
  | 'file.recalled.v1'
  | 'file.released.v1'
  | 'file.shared.v1'
  | 'file.expiring.v1'
  | 'verdict.changed.v1';

export interface EventFacts {
  readonly name: EventName;
  /** A function of what happened: the same for each repeat, and for nothing else. */
  readonly id: string;
  /** The subject: the id of a file, or the SHA-256 of a content. */
  readonly subject: string;
  /** When the event happened, not when it was published. */
  readonly time: Date;
  readonly traceparent?: Traceparent | undefined;
  readonly data: Readonly<Record<string, unknown>>;
  /** Attributes that subscriptions can filter on, beside `eventType`: filters do not see the data. */
  readonly filterable: Readonly<Record<string, string>>;
}

/** Paths below the address of a deployment: the source of its events, and their schemas, which it serves. */
const SOURCE = '/files';
const SCHEMAS = '/schemas/';

/**
 * A CloudEvent 1.0 in the binary mode of its Pub/Sub binding: context as `ce-*` attributes, the data as JSON. Its source
 * and its schema are relative until {@link addressed} publishes it.
 * https://github.com/googleapis/google-cloudevents/blob/main/docs/spec/pubsub.md
 */
export function cloudEvent({
  name,
  id,
  subject,
  time,
  traceparent,
  data,
  filterable,
}: EventFacts): EventMessage {
  return {
    data: Buffer.from(JSON.stringify(data)),
    attributes: {
      'ce-specversion': '1.0',
      'ce-id': id,
      'ce-source': SOURCE,
      'ce-type': `no.nav.hops.fileshare.${name}`,
      'ce-subject': subject,
      'ce-time': time.toISOString(),
      'ce-dataschema': `${SCHEMAS}${name}.json`,
      // https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/extensions/distributed-tracing.md
      ...defined({ 'ce-traceparent': traceparent }),
      'content-type': 'application/json',
      eventType: name,
      ...filterable,
    },
    orderingKey: subject,
  };
}

/** Publishes the events of one deployment, by whose address subscribers tell its events from those of others. */
export function addressed(publish: Publish, filesUrl: string): Publish {
  return ({ attributes, ...event }, within) => {
    const absolute = {
      'ce-source': `${filesUrl}${attributes['ce-source']}`,
      'ce-dataschema': `${filesUrl}${attributes['ce-dataschema']}`,
    };
    return publish({ ...event, attributes: { ...attributes, ...absolute } }, within);
  };
}
