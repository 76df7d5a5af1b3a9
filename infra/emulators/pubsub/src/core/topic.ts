import * as v from 'valibot';
import { applyMask } from './field-mask.ts';
import { parse, refuse } from './parse.ts';
import { checkName } from './resource-name.ts';

const topicSchema = v.object({
  name: v.string(),
  labels: v.exactOptional(v.record(v.string(), v.string())),
  messageRetentionDuration: v.exactOptional(v.number()),
});

/** A topic as the API shows it. Durations in milliseconds. */
export type Topic = Readonly<v.InferOutput<typeof topicSchema>>;

const notEmulated = ['schemaSettings', 'ingestionDataSourceSettings', 'messageTransforms', 'kmsKeyName'];

/** Validates what CreateTopic was given. Throws INVALID_ARGUMENT, or UNIMPLEMENTED for what is not emulated. */
export function newTopic(input: unknown): Topic {
  refuse(input, notEmulated);
  const topic = parse(topicSchema, input);
  checkName('topics', topic.name);
  return topic;
}

export function updatedTopic(current: Topic, patch: object, paths: readonly string[]): Topic {
  return newTopic(applyMask(current, patch, paths, ['labels', 'messageRetentionDuration']));
}
