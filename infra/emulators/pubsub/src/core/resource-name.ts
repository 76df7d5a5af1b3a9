import { invalid } from './status.ts';

type ResourceKind = 'topics' | 'subscriptions';

/** The topic of a subscription whose topic was deleted (pubsub.proto, Subscription.topic). */
export const deletedTopic = '_deleted-topic_';

const projectPattern = /^projects\/[^/]+$/;
const idPattern = /^[A-Za-z][A-Za-z0-9\-_.~+%]{2,254}$/;

/** Refuses what is not `projects/{project}`. */
export function checkProject(name: string): void {
  if (!projectPattern.test(name)) throw invalid(`Invalid [project] name: (name=${name})`);
}

/**
 * Refuses a name the service would not create: 3 to 255 characters, a letter first, not `goog`
 * (pubsub.proto, Topic.name and Subscription.name).
 */
export function checkName(kind: ResourceKind, name: string): void {
  const parts = name.split('/');
  const [projects, project, collection, id = ''] = parts;
  const placed = parts.length === 4 && projects === 'projects' && project !== '' && collection === kind;
  if (!placed || !idPattern.test(id) || id.startsWith('goog')) {
    throw invalid(`Invalid [${kind}] name: (name=${name})`);
  }
}

export const projectOf = (name: string): string => name.split('/')[1] ?? '';

export const idOf = (name: string): string => name.split('/')[3] ?? '';
