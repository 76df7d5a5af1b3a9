import type { Message, Outgoing } from './message.ts';
import { idOf, projectOf } from './resource-name.ts';

/**
 * The message as it arrives on the dead letter topic: with the attributes that the service adds
 * (cloud.google.com/pubsub/docs/handling-failures).
 */
export function deadLetterOf(message: Message, subscription: string, attempts: number): Outgoing {
  return {
    data: message.data,
    orderingKey: message.orderingKey,
    attributes: {
      ...message.attributes,
      CloudPubSubDeadLetterSourceDeliveryCount: String(attempts),
      CloudPubSubDeadLetterSourceSubscription: idOf(subscription),
      CloudPubSubDeadLetterSourceSubscriptionProject: projectOf(subscription),
      CloudPubSubDeadLetterSourceTopicPublishTime: new Date(message.publishTime).toISOString(),
    },
  };
}
