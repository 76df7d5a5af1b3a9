import * as v from 'valibot';
import type { Broker } from '../core/broker.ts';
import type { Clock } from '../core/clock.ts';
import { pageOf } from '../core/page.ts';
import { parse } from '../core/parse.ts';
import { pull } from '../core/pull.ts';
import { checkProject } from '../core/resource-name.ts';
import { invalid, RpcError } from '../core/status.ts';
import { pushConfigSchema } from '../core/subscription.ts';
import { paging, text, type Unary } from './publisher-methods.ts';
import { receivedMessage } from './received-message.ts';

const bySubscription = v.object({ subscription: text });
const list = v.object({ project: text, ...paging });
const update = v.object({
  subscription: v.looseObject({ name: text }),
  updateMask: v.optional(v.array(v.string()), []),
});
const ackIds = v.optional(v.array(v.string()), []);
const acknowledge = v.object({ subscription: text, ackIds });
const modifyAckDeadline = v.object({ ...acknowledge.entries, ackDeadlineSeconds: v.optional(v.number(), 0) });
const modifyPushConfig = v.object({ subscription: text, pushConfig: v.optional(pushConfigSchema, {}) });
const pullRequest = v.object({
  subscription: text,
  returnImmediately: v.optional(v.boolean(), false),
  maxMessages: v.optional(v.number(), 0),
});
const seek = v.object({ subscription: text, time: v.optional(v.number()), snapshot: text });

export interface PullTiming {
  readonly clock: Clock;
  /** Milliseconds that a Pull waits for its first message. */
  readonly pullWait: number;
}

/** The calls of google.pubsub.v1.Subscriber, but for snapshots and StreamingPull. */
export function subscriberMethods(broker: Broker, { clock, pullWait }: PullTiming) {
  return {
    CreateSubscription: (request) => broker.subscribe(request),
    GetSubscription: (request) =>
      broker.subscription(parse(bySubscription, request).subscription).subscription,
    UpdateSubscription(request) {
      const { subscription, updateMask } = parse(update, request);
      return broker.updateSubscription(subscription, updateMask);
    },
    ListSubscriptions(request) {
      const { project, ...page } = parse(list, request);
      checkProject(project);
      const { items, nextPageToken } = pageOf(broker.subscriptionsOf(project), page);
      return { subscriptions: items, nextPageToken };
    },
    DeleteSubscription(request) {
      broker.deleteSubscription(parse(bySubscription, request).subscription);
      return {};
    },
    ModifyPushConfig(request) {
      const { subscription: name, pushConfig } = parse(modifyPushConfig, request);
      const patch = { name, pushConfig };
      broker.updateSubscription(patch, ['pushConfig']);
      return {};
    },
    async Pull(request, signal) {
      const { subscription, maxMessages, returnImmediately } = parse(pullRequest, request);
      if (maxMessages <= 0) throw invalid('max_messages must be positive.');
      const { pullable } = broker.subscription(subscription);
      const wait = returnImmediately ? 0 : pullWait;
      const deliveries = await pull(pullable, clock, { maxMessages, wait, signal });
      return { receivedMessages: deliveries.map(receivedMessage) };
    },
    Acknowledge(request) {
      const { subscription, ackIds } = parse(acknowledge, request);
      if (ackIds.length === 0) throw invalid('No ack ids specified.');
      broker.subscription(subscription).deliverer.acknowledge(ackIds);
      return {};
    },
    ModifyAckDeadline(request) {
      const { subscription, ackIds, ackDeadlineSeconds } = parse(modifyAckDeadline, request);
      if (ackIds.length === 0) throw invalid('No ack ids specified.');
      broker.subscription(subscription).deliverer.modifyAckDeadline(ackIds, ackDeadlineSeconds);
      return {};
    },
    Seek(request) {
      const { subscription, time, snapshot } = parse(seek, request);
      if (snapshot !== '') throw new RpcError('UNIMPLEMENTED', 'snapshots are not emulated');
      if (time === undefined) throw invalid('A time to seek to is required.');
      broker.subscription(subscription).seek(time);
      return {};
    },
  } satisfies Record<string, Unary>;
}
