import type { Delivery } from '../core/deliverer.ts';
import type { Plain } from '../walk.ts';

/** A delivery as google.pubsub.v1.ReceivedMessage. */
export function receivedMessage({ ackId, message, deliveryAttempt }: Delivery): Plain {
  const { size: _size, ...fields } = message;
  return { ackId, deliveryAttempt, message: fields };
}
