import { type Deployment, ofType, type Resource } from './deployment.ts';
import { OF_COMPLETE } from './environment.ts';
import { belowOf, customPermissions, shortName } from './grants.ts';
import { at, numberAt, textAt } from './json.ts';

/** The permissions that the local emulators check, by predefined role. */
const PREDEFINED: Readonly<Record<string, readonly string[]>> = {
  'roles/pubsub.publisher': ['pubsub.topics.publish'],
};

/** Attributes in which each kind of grant that the local emulators check names its target. */
const TARGETS = [
  ['google_storage_bucket_iam_member', 'bucket'],
  ['google_pubsub_topic_iam_member', 'topic'],
] as const;

/**
 * `infra/local/deployment.json`: the parts of a deployment that the local platform enforces. Names of buckets, topics and
 * accounts come without the prefixes of the deployment. Functions that a minimal deployment lacks are as in a complete one.
 */
export function localDeployment(minimal: Deployment, complete: Deployment): string {
  const deployment = { ...minimal, resources: [...minimal.resources, ...ofComplete(complete)] };
  const services = ofType(deployment, 'google_cloud_run_v2_service').toSorted((one, other) =>
    serviceName(one).localeCompare(serviceName(other)),
  );
  const scanner = ofType(deployment, 'google_pubsub_subscription').find(
    ({ name }) => name === 'finalized_scanner',
  )?.values;
  const content = {
    generatedBy: 'npm run generate:terraform',
    grants: TARGETS.flatMap(([type, target]) =>
      ofType(deployment, type)
        .filter(({ values }) => isOurs(textAt(values, 'member')))
        .map((resource) => grantOf(deployment, resource, target)),
    ),
    invokers: Object.fromEntries(
      services.map((service) => [serviceName(service), invokersOf(deployment, service)]),
    ),
    services: Object.fromEntries(
      services.map((service) => [serviceName(service), settingsOf(service.values)]),
    ),
    push: {
      ackDeadlineSeconds: numberAt(scanner, 'ack_deadline_seconds'),
      minBackoffSeconds: secondsAt(scanner, 'retry_policy', 0, 'minimum_backoff'),
      maxBackoffSeconds: secondsAt(scanner, 'retry_policy', 0, 'maximum_backoff'),
      maxDeliveryAttempts: numberAt(scanner, 'dead_letter_policy', 0, 'max_delivery_attempts'),
    },
  };
  return `${JSON.stringify(content, undefined, 2)}\n`;
}

function ofComplete(complete: Deployment): readonly Resource[] {
  return complete.resources.filter(
    ({ type, name, index, values }) =>
      type === 'google_project_iam_custom_role' ||
      (type === 'google_cloud_run_v2_service' && OF_COMPLETE.has(String(index))) ||
      (type === 'google_cloud_run_v2_service_iam_member' && /_(exporter|notify)$/.test(name)) ||
      OF_COMPLETE.has(shortName(textAt(values, 'member').replace('serviceAccount:', ''))) ||
      shortName(textAt(values, 'bucket')) === 'exports',
  );
}

function grantOf(deployment: Deployment, { name, index, values }: Resource, target: 'bucket' | 'topic') {
  const role = textAt(values, 'role');
  const permissions = role.startsWith('projects/') ? customPermissions(deployment, role) : PREDEFINED[role];
  if (!permissions?.length) throw new Error(`the permissions of ${role} are not known`);
  const below = belowOf(values);
  if (below.startsWith('unknown')) throw new Error(`a condition that the emulators do not know: ${below}`);
  return {
    name: String(index ?? name),
    account: shortName(textAt(values, 'member').replace('serviceAccount:', '')),
    [target]: shortName(textAt(values, target)),
    permissions,
    prefixes: below === '' ? [] : below.split(', '),
  };
}

/** Google's own service agents act inside Google; the emulators take their place. */
const isOurs = (member: string): boolean => !/@(gcp-sa|gs-project|serverless-robot)/.test(member);

const serviceName = ({ values }: Resource): string => shortName(textAt(values, 'name'));

function invokersOf(deployment: Deployment, service: Resource): readonly string[] {
  return ofType(deployment, 'google_cloud_run_v2_service_iam_member')
    .filter(({ values }) => shortName(textAt(values, 'name')) === serviceName(service))
    .map(({ values }) => textAt(values, 'member'))
    .map((member) => (member.includes('@') ? shortName(member.replace('serviceAccount:', '')) : member))
    .sort();
}

function settingsOf(values: unknown) {
  const template = at(values, 'template', 0);
  return {
    concurrency: numberAt(template, 'max_instance_request_concurrency'),
    timeoutSeconds: secondsAt(template, 'timeout'),
    maxInstances: numberAt(template, 'scaling', 0, 'max_instance_count'),
  };
}

/** Terraform's `600s`. */
function secondsAt(values: unknown, ...path: readonly (string | number)[]): number {
  const text = textAt(values, ...path);
  if (!/^\d+s$/.test(text)) throw new Error(`${path.join('.')} is no duration in seconds: ${text}`);
  return Number(text.slice(0, -1));
}
