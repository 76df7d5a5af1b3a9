/** A message of Pub/Sub: JSON, and attributes that subscriptions can filter on. */
export interface EventMessage {
  readonly data: Buffer;
  readonly attributes: Readonly<Record<string, string>>;
  /** Messages with the same one come in the order of their publication, where topic and subscription do that. */
  readonly orderingKey?: string;
}

/** The types of events, each with a schema in `schemas/` of the same name. */
export type EventName = 'scan.completed.v1' | 'scan.failed.v1' | 'file.deleted.v1' | 'verdict.changed.v1';

export interface EventFacts {
  readonly name: EventName;
  /** A function of what happened: the same for each repeat, and for nothing else. */
  readonly id: string;
  /** The subject: the id of a file, or the SHA-256 of a content. */
  readonly subject: string;
  readonly time: Date;
  readonly data: Readonly<Record<string, unknown>>;
  /** Attributes that subscriptions can filter on, beside `eventType`: filters do not see the data. */
  readonly filterable: Readonly<Record<string, string>>;
}

/**
 * A CloudEvent 1.0 in the binary mode of its Pub/Sub binding: context as `ce-*` attributes, the data as JSON.
 * https://github.com/googleapis/google-cloudevents/blob/main/docs/spec/pubsub.md
 */
export function cloudEvent({ name, id, subject, time, data, filterable }: EventFacts): EventMessage {
  return {
    data: Buffer.from(JSON.stringify(data)),
    attributes: {
      'ce-specversion': '1.0',
      'ce-id': id,
      'ce-source': '/files',
      'ce-type': `no.nav.hops.fileshare.${name}`,
      'ce-subject': subject,
      'ce-time': time.toISOString(),
      'ce-dataschema': `urn:hops-fileshare:event:${name}`,
      'content-type': 'application/json',
      eventType: name,
      ...filterable,
    },
    orderingKey: subject,
  };
}
