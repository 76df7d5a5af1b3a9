import * as v from 'valibot';
import type { Broker } from '../core/broker.ts';
import { outgoingSchema } from '../core/message.ts';
import { pageOf } from '../core/page.ts';
import { parse } from '../core/parse.ts';
import { checkProject } from '../core/resource-name.ts';
import type { Plain } from '../walk.ts';

/** The answer to a call; the signal ends when the caller goes away. */
export type Unary = (request: Plain, signal: AbortSignal) => Plain | Promise<Plain>;

export const text = v.optional(v.string(), '');
export const paging = { pageSize: v.optional(v.number(), 0), pageToken: text };

const list = v.object({ project: text, ...paging });
const byTopic = v.object({ topic: text });
const listTopicSubscriptions = v.object({ topic: text, ...paging });
const update = v.object({
  topic: v.looseObject({ name: text }),
  updateMask: v.optional(v.array(v.string()), []),
});
const publish = v.object({ topic: text, messages: v.optional(v.array(outgoingSchema), []) });
const detach = v.object({ subscription: text });

/** The calls of google.pubsub.v1.Publisher, but for snapshots. */
export function publisherMethods(broker: Broker) {
  return {
    CreateTopic: (request) => broker.topics.create(request),
    GetTopic: (request) => broker.topics.get(parse(byTopic, request).topic),
    UpdateTopic(request) {
      const { topic, updateMask } = parse(update, request);
      return broker.topics.update(topic, updateMask);
    },
    ListTopics(request) {
      const { project, ...page } = parse(list, request);
      checkProject(project);
      const { items, nextPageToken } = pageOf(broker.topics.of(project), page);
      return { topics: items, nextPageToken };
    },
    ListTopicSubscriptions(request) {
      const { topic, ...page } = parse(listTopicSubscriptions, request);
      const attached = broker.subscriptionsTo(broker.topics.get(topic));
      const { items, nextPageToken } = pageOf(attached, page);
      return { subscriptions: items.map(({ name }) => name), nextPageToken };
    },
    DeleteTopic(request) {
      broker.deleteTopic(parse(byTopic, request).topic);
      return {};
    },
    DetachSubscription(request) {
      broker.subscription(parse(detach, request).subscription).detach();
      return {};
    },
    Publish(request) {
      const { topic, messages } = parse(publish, request);
      return { messageIds: broker.publish(topic, messages) };
    },
  } satisfies Record<string, Unary>;
}
