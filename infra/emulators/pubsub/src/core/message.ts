import * as v from 'valibot';
import { invalid } from './status.ts';

/** A message as published (pubsub.proto, PubsubMessage without what the server sets). */
export const outgoingSchema = v.object({
  data: v.optional(v.instance(Uint8Array), new Uint8Array()),
  attributes: v.optional(v.record(v.string(), v.string()), {}),
  orderingKey: v.optional(v.string(), ''),
});
export type Outgoing = v.InferOutput<typeof outgoingSchema>;

/** A message as stored, shared by all the subscriptions that hold it. */
export interface Message extends Outgoing {
  readonly messageId: string;
  /** Milliseconds since the Unix epoch. */
  readonly publishTime: number;
  /** Bytes that count against flow control and against the cap of a backlog. */
  readonly size: number;
}

/** cloud.google.com/pubsub/quotas, "Resource limits". Sizes in bytes. */
const limits = {
  request: 10_000_000,
  messages: 1000,
  attributes: 100,
  attributeKey: 256,
  attributeValue: 1024,
  orderingKey: 1024,
};

export function sizeOf(message: Outgoing): number {
  let size = message.data.byteLength + Buffer.byteLength(message.orderingKey);
  for (const [key, value] of Object.entries(message.attributes)) {
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  return size;
}

/** Refuses, as a whole, a publish request that the service would refuse. */
export function checkPublish(messages: readonly Outgoing[]): void {
  if (messages.length === 0) throw invalid('The request contains no messages.');
  if (messages.length > limits.messages) {
    throw invalid(`The request contains more than ${limits.messages} messages.`);
  }
  const total = messages.reduce((sum, message) => sum + sizeOf(message), 0);
  if (total > limits.request) {
    throw invalid(`Request payload size exceeds the limit: ${limits.request} bytes.`);
  }
  if (messages.some((message) => message.orderingKey !== messages[0]?.orderingKey)) {
    throw invalid('In a single publish request, all messages must have the same ordering key.');
  }
  for (const message of messages) checkMessage(message);
}

function checkMessage(message: Outgoing): void {
  const attributes = Object.entries(message.attributes);
  if (message.data.byteLength === 0 && attributes.length === 0) {
    throw invalid('Some messages in the publish request are empty: data or an attribute is required.');
  }
  if (attributes.length > limits.attributes) {
    throw invalid(`A message has more than ${limits.attributes} attributes.`);
  }
  if (Buffer.byteLength(message.orderingKey) > limits.orderingKey) {
    throw invalid(`An ordering key is longer than ${limits.orderingKey} bytes.`);
  }
  for (const [key, value] of attributes) checkAttribute(key, value);
}

function checkAttribute(key: string, value: string): void {
  if (key === '' || Buffer.byteLength(key) > limits.attributeKey) {
    throw invalid(`An attribute key is empty or longer than ${limits.attributeKey} bytes.`);
  }
  // Google's client libraries put the span of a message there.
  if (key.startsWith('goog') && !key.startsWith('googclient_'))
    throw invalid(`The attribute key ${key} begins with "goog", which is reserved.`);
  if (Buffer.byteLength(value) > limits.attributeValue) {
    throw invalid(`The value of attribute ${key} is longer than ${limits.attributeValue} bytes.`);
  }
}
