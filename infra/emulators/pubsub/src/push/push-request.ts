import type { Delivery } from '../core/deliverer.ts';
import type { Message } from '../core/message.ts';
import type { Subscription } from '../core/subscription.ts';

interface PushRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
}

/**
 * The request for one message: wrapped in JSON, or the data alone with the rest in headers where
 * `noWrapper` says so. Sources: cloud.google.com/pubsub/docs/push ("Receive push messages") and
 * cloud.google.com/pubsub/docs/payload-unwrapping.
 */
export function pushRequest(subscription: Subscription, delivery: Delivery): PushRequest {
  const { noWrapper } = subscription.pushConfig;
  if (!noWrapper) return wrapped(subscription, delivery);
  const headers = noWrapper.writeMetadata ? metadata(subscription, delivery) : {};
  return { headers, body: delivery.message.data };
}

function wrapped({ name }: Subscription, { message, deliveryAttempt }: Delivery): PushRequest {
  const publishTime = new Date(message.publishTime).toISOString();
  const body = {
    ...(deliveryAttempt > 0 && { deliveryAttempt }),
    message: {
      ...(Object.keys(message.attributes).length > 0 && { attributes: message.attributes }),
      ...(message.data.byteLength > 0 && { data: Buffer.from(message.data).toString('base64') }),
      messageId: message.messageId,
      message_id: message.messageId,
      ...(message.orderingKey !== '' && { orderingKey: message.orderingKey }),
      publishTime,
      publish_time: publishTime,
    },
    subscription: name,
  };
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

function metadata({ name }: Subscription, { message, deliveryAttempt }: Delivery): Record<string, string> {
  return {
    ...attributeHeaders(message),
    'x-goog-pubsub-subscription-name': name,
    'x-goog-pubsub-message-id': message.messageId,
    'x-goog-pubsub-publish-time': new Date(message.publishTime).toISOString(),
    ...(message.orderingKey !== '' && { 'x-goog-pubsub-ordering-key': message.orderingKey }),
    ...(deliveryAttempt > 0 && { 'x-goog-pubsub-delivery-attempt': String(deliveryAttempt) }),
  };
}

/** An attribute that no HTTP header can carry, or that would break the request, stays out. */
function attributeHeaders({ attributes }: Message): Record<string, string> {
  const fit = Object.entries(attributes).filter(
    ([key, value]) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(key) && /^[\t\x20-\x7e]*$/.test(value),
  );
  const reserved = new Set([
    'connection',
    'content-length',
    'host',
    'transfer-encoding',
    'upgrade',
    'expect',
  ]);
  return Object.fromEntries(fit.filter(([key]) => !reserved.has(key.toLowerCase())));
}
