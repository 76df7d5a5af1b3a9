import * as v from 'valibot';
import { applyMask } from './field-mask.ts';
import { compileFilter } from './filter.ts';
import { parse, refuse } from './parse.ts';
import { checkName, deletedTopic } from './resource-name.ts';
import { invalid } from './status.ts';

const second = 1000;
const day = 24 * 60 * 60 * second;

const duration = v.number();
const labels = v.record(v.string(), v.string());

export const pushConfigSchema = v.object({
  pushEndpoint: v.optional(v.string(), ''),
  attributes: v.exactOptional(labels),
  oidcToken: v.exactOptional(
    v.object({ serviceAccountEmail: v.optional(v.string(), ''), audience: v.optional(v.string(), '') }),
  ),
  pubsubWrapper: v.exactOptional(v.object({})),
  noWrapper: v.exactOptional(v.object({ writeMetadata: v.optional(v.boolean(), false) })),
});
export type PushConfig = Readonly<v.InferOutput<typeof pushConfigSchema>>;

const subscriptionSchema = v.object({
  name: v.string(),
  topic: v.string(),
  pushConfig: v.optional(pushConfigSchema, {}),
  ackDeadlineSeconds: v.pipe(
    v.optional(v.number(), 0),
    v.transform((seconds) => (seconds === 0 ? 10 : seconds)),
  ),
  retainAckedMessages: v.optional(v.boolean(), false),
  messageRetentionDuration: v.optional(duration, 7 * day),
  labels: v.exactOptional(labels),
  enableMessageOrdering: v.optional(v.boolean(), false),
  expirationPolicy: v.optional(v.object({ ttl: v.exactOptional(duration) }), { ttl: 31 * day }),
  filter: v.optional(v.string(), ''),
  deadLetterPolicy: v.exactOptional(
    v.object({
      deadLetterTopic: v.string(),
      maxDeliveryAttempts: v.pipe(
        v.optional(v.number(), 0),
        v.transform((attempts) => (attempts === 0 ? 5 : attempts)),
      ),
    }),
  ),
  retryPolicy: v.exactOptional(
    v.object({
      minimumBackoff: v.optional(duration, 10 * second),
      maximumBackoff: v.optional(duration, 600 * second),
    }),
  ),
  detached: v.optional(v.boolean(), false),
});

/** A subscription as the API shows it, with the service's defaults filled in. Durations in milliseconds. */
export type Subscription = Readonly<v.InferOutput<typeof subscriptionSchema>>;

const notEmulated = [
  'enableExactlyOnceDelivery',
  'bigqueryConfig',
  'bigtableConfig',
  'cloudStorageConfig',
  'messageTransforms',
];

const mutable = [
  'pushConfig',
  'ackDeadlineSeconds',
  'retainAckedMessages',
  'messageRetentionDuration',
  'labels',
  'expirationPolicy',
  'deadLetterPolicy',
  'retryPolicy',
] as const;

/**
 * Validates what CreateSubscription was given and fills in the defaults (pubsub.proto, Subscription).
 * Throws INVALID_ARGUMENT, or UNIMPLEMENTED for what is not emulated.
 */
export function newSubscription(input: unknown): Subscription {
  refuse(input, notEmulated);
  const subscription = parse(subscriptionSchema, input);
  checkName('subscriptions', subscription.name);
  if (subscription.topic !== deletedTopic) checkName('topics', subscription.topic);
  compileFilter(subscription.filter);
  checkAckDeadline(subscription.ackDeadlineSeconds);
  checkEndpoint(subscription.pushConfig);
  checkPolicies(subscription);
  return subscription;
}

/** The filter, the topic and the ordering are fixed when a subscription is created, as in the service. */
export function updatedSubscription(
  current: Subscription,
  patch: object,
  paths: readonly string[],
): Subscription {
  refuse(patch, notEmulated);
  return newSubscription(applyMask(current, patch, paths, mutable));
}

export const isPush = (subscription: Subscription): boolean => subscription.pushConfig.pushEndpoint !== '';

/** Refuses an ack deadline outside 10 to 600 seconds. */
export function checkAckDeadline(seconds: number): void {
  if (!Number.isInteger(seconds) || seconds < 10 || seconds > 600) {
    throw invalid(`Invalid ack deadline given: ${seconds}. It must be between 10 and 600 seconds.`);
  }
}

function checkEndpoint({ pushEndpoint }: PushConfig): void {
  if (pushEndpoint === '') return;
  const url = URL.parse(pushEndpoint);
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw invalid(`Invalid push endpoint given (endpoint=${pushEndpoint}).`);
  }
}

function checkPolicies(subscription: Subscription): void {
  const { retryPolicy, deadLetterPolicy, messageRetentionDuration: retention } = subscription;
  if (retention < 600 * second || retention > 31 * day) {
    throw invalid('message_retention_duration must be between 10 minutes and 31 days.');
  }
  if (deadLetterPolicy) {
    checkName('topics', deadLetterPolicy.deadLetterTopic);
    const attempts = deadLetterPolicy.maxDeliveryAttempts;
    if (attempts < 5 || attempts > 100) throw invalid('max_delivery_attempts must be between 5 and 100.');
  }
  if (retryPolicy) {
    const { minimumBackoff, maximumBackoff } = retryPolicy;
    const ordered = 0 <= minimumBackoff && minimumBackoff <= maximumBackoff;
    if (!ordered || maximumBackoff > 600 * second) {
      throw invalid('The back-offs must be between 0 and 600 seconds, the minimum no more than the maximum.');
    }
  }
}
