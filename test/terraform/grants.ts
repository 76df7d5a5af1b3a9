import { type Deployment, ofType, PROJECT, type Resource } from './deployment.ts';
import { listAt, textAt } from './json.ts';
import { keyLocation } from './location-checks.ts';

/** A grant: principal, role, resource and name prefix; one line of docs/topology.md. */
type Grant = readonly [who: string, role: string, on: string, below: string];

/** Functions, which may export spans. */
const TRACED = ['upload', 'files', 'scanner', 'rescanner', 'sweeper', 'auditor', 'exporter', 'notify'];
const PUBLISH = 'roles/pubsub.publisher';
const SUBSCRIBE = 'roles/pubsub.subscriber';
const INVOKE = 'roles/run.invoker';
const TOKENS = 'roles/iam.serviceAccountOpenIdTokenCreator';
const KEYS = 'roles/cloudkms.cryptoKeyEncrypterDecrypter';

/**
 * All that the complete example may grant. A change here is a change of who can see or destroy what: it wants a reason,
 * and a line in docs/adr/0013.
 */
const ALLOWED: readonly Grant[] = [
  ['allUsers', INVOKE, 'service files', ''],
  ['allUsers', INVOKE, 'service upload', ''],
  ['upload', 'objects: create', 'bucket unscanned', ''],
  ['upload', 'objects: delete, get', 'bucket unscanned', 'parts/'],
  ['upload', 'objects: list', 'bucket unscanned', ''],
  ['upload', 'objects: create, get, update', 'bucket permanent', 'files/, idempotency/'],
  ['upload', 'objects: get', 'bucket permanent', 'verdicts/'],
  ['upload', 'objects: list', 'bucket permanent', ''],
  ['upload', 'objects: get', 'bucket permanent', 'deployment/'],
  ['files', 'objects: get', 'bucket permanent', 'deployment/'],
  ['scanner', 'objects: get', 'bucket permanent', 'deployment/'],
  ['rescanner', 'objects: get', 'bucket permanent', 'deployment/'],
  ['sweeper', 'objects: create, get, update', 'bucket permanent', 'deployment/'],
  ['files', 'objects: get, update', 'bucket permanent', 'files/'],
  ['files', 'objects: get', 'bucket permanent', 'verdicts/'],
  ['files', 'objects: create, delete, get, update', 'bucket permanent', 'references/, shared/'],
  ['files', 'objects: create, get', 'bucket permanent', 'receipts/'],
  ['files', 'objects: get', 'bucket permanent', 'blobs/, accepted/'],
  ['files', 'objects: get', 'bucket permanent', 'findings/'],
  ['files', 'objects: list', 'bucket permanent', ''],
  ['files', PUBLISH, 'topic scan-events', ''],
  ['files', PUBLISH, 'topic rescan', ''],
  ['files', 'sign', 'service account files', ''],
  ['files', 'roles/cloudkms.signer', 'key in europe-north1', ''],
  ['files', 'roles/cloudkms.publicKeyViewer', 'key in europe-north1', ''],
  ['auditor', 'roles/cloudkms.signer', 'key in europe-north1', ''],
  ['auditor', 'roles/cloudkms.publicKeyViewer', 'key in europe-north1', ''],
  ['scanner', 'objects: delete, get, list', 'bucket unscanned', ''],
  ['scanner', 'objects: list', 'bucket permanent', ''],
  ['scanner', 'objects: get', 'bucket permanent', 'files/'],
  ['scanner', 'objects: create, get, update', 'bucket permanent', 'verdicts/'],
  ['scanner', 'objects: create, get, update', 'bucket permanent', 'blobs/, accepted/'],
  ['scanner', 'objects: create, get, update', 'bucket permanent', 'findings/, recalls/'],
  ['scanner', 'objects: create, get, update', 'bucket permanent', 'collect/'],
  ['scanner', 'objects: create', 'bucket quarantine', ''],
  ['scanner', 'objects: get', 'bucket signatures', ''],
  ['scanner', PUBLISH, 'topic scan-events', ''],
  ['rescanner', 'objects: list', 'bucket permanent', ''],
  ['rescanner', 'objects: get, update', 'bucket permanent', 'blobs/'],
  ['rescanner', 'objects: create, get, update', 'bucket permanent', 'findings/, recalls/'],
  ['rescanner', 'objects: get', 'bucket quarantine', ''],
  ['rescanner', 'objects: get', 'bucket signatures', ''],
  ['rescanner', PUBLISH, 'topic scan-events', ''],
  ['sweeper', 'objects: create, delete, get, list', 'bucket unscanned', ''],
  ['sweeper', 'objects: list', 'bucket permanent', ''],
  [
    'sweeper',
    'objects: create, delete, get, update',
    'bucket permanent',
    'files/, references/, shared/, idempotency/',
  ],
  ['sweeper', 'objects: create, delete', 'bucket permanent', 'receipts/'],
  ['sweeper', 'objects: get, list', 'bucket exports', ''],
  ['sweeper', 'objects: create, delete, get, update', 'bucket permanent', 'verdicts/'],
  ['sweeper', 'objects: create, delete, get, update', 'bucket permanent', 'blobs/'],
  ['sweeper', 'objects: delete, get', 'bucket permanent', 'accepted/'],
  ['sweeper', 'objects: create, get, update', 'bucket permanent', 'findings/'],
  ['sweeper', 'objects: create, delete, get, update', 'bucket permanent', 'sweeper/, collect/, recalls/'],
  ['sweeper', 'objects: create, delete, get, list', 'bucket quarantine', ''],
  ['sweeper', 'objects: create, get, update', 'bucket permanent', 'erased/'],
  ['sweeper', 'roles/cloudkms.signer', 'key in europe-north1', ''],
  ['sweeper', 'roles/cloudkms.publicKeyViewer', 'key in europe-north1', ''],
  ['sweeper', PUBLISH, 'topic scan-events', ''],
  ['sweeper', PUBLISH, 'topic finalized', ''],
  ['sweeper', PUBLISH, 'topic rescan', ''],
  ['auditor', 'objects: list', 'bucket permanent', ''],
  ['auditor', 'objects: list', 'bucket unscanned', ''],
  ['auditor', 'objects: get', 'bucket permanent', 'findings/, blobs/, collect/'],
  ['auditor', 'objects: create, get, update', 'bucket permanent', 'auditor/'],
  ['exporter', 'objects: list', 'bucket permanent', ''],
  ['exporter', 'objects: create, get, list', 'bucket exports', ''],
  ['notify', 'objects: get', 'bucket permanent', 'files/'],
  ['notify', 'roles/secretmanager.secretAccessor', 'secret callback-keys', ''],
  ['mirror', 'objects: create, delete, get, list', 'bucket signatures', ''],
  ['push', INVOKE, 'service scanner', ''],
  ...TRACED.map((name): Grant => [name, 'roles/telemetry.tracesWriter', 'project demo-project', '']),
  ['push', INVOKE, 'service rescanner', ''],
  ['push', INVOKE, 'service sweeper', ''],
  ['push', INVOKE, 'service notify', ''],
  ['schedule', INVOKE, 'service sweeper', ''],
  ['schedule', INVOKE, 'service auditor', ''],
  ['schedule', INVOKE, 'service exporter', ''],
  ['schedule', INVOKE, 'job mirror', ''],
  ['group:fileshare-operators@example.org', INVOKE, 'service sweeper', ''],
  ['group:security@example.org', 'roles/storage.objectViewer', 'bucket quarantine', ''],
  ['group:security@example.org', SUBSCRIBE, 'subscription scan-events-security', ''],
  ['Cloud Storage', PUBLISH, 'topic finalized', ''],
  ['Cloud Storage', KEYS, 'key in europe', ''],
  ['Cloud Storage', KEYS, 'key in europe-west3', ''],
  ['Cloud Storage', KEYS, 'key in europe-north1', ''],
  ['Cloud Run', KEYS, 'key in europe-north1', ''],
  ['Pub/Sub', KEYS, 'key in europe-north1', ''],
  ['Pub/Sub', TOKENS, 'service account push', ''],
  ['Pub/Sub', TOKENS, 'service account delivery', ''],
  ['Pub/Sub', PUBLISH, 'topic finalized-dead', ''],
  ['Pub/Sub', SUBSCRIBE, 'subscription finalized-scanner', ''],
  ['Pub/Sub', PUBLISH, 'topic rescan-dead', ''],
  ['Pub/Sub', SUBSCRIBE, 'subscription rescan-rescanner', ''],
  ['Pub/Sub', PUBLISH, 'topic callbacks-dead', ''],
  ['Pub/Sub', SUBSCRIBE, 'subscription callbacks', ''],
  ['Pub/Sub', PUBLISH, 'topic scan-events-journal-dead', ''],
  ['Pub/Sub', SUBSCRIBE, 'subscription scan-events-journal', ''],
  ['Pub/Sub', PUBLISH, 'topic scan-events-security-dead', ''],
  ['Pub/Sub', SUBSCRIBE, 'subscription scan-events-security', ''],
];

/** Attributes in which each kind of grant names its target; a kind that is not here is not allowed at all. */
const TARGETS: Readonly<Record<string, readonly [word: string, attribute: string]>> = {
  google_storage_bucket_iam_member: ['bucket', 'bucket'],
  google_pubsub_topic_iam_member: ['topic', 'topic'],
  google_pubsub_subscription_iam_member: ['subscription', 'subscription'],
  google_cloud_run_v2_service_iam_member: ['service', 'name'],
  google_cloud_run_v2_job_iam_member: ['job', 'name'],
  google_service_account_iam_member: ['service account', 'service_account_id'],
  google_secret_manager_secret_iam_member: ['secret', 'secret_id'],
  google_kms_crypto_key_iam_member: ['key in', 'crypto_key_id'],
  google_project_iam_member: ['project', 'project'],
};

const AGENTS: readonly (readonly [RegExp, string])[] = [
  [/^serviceAccount:service-\d+@gcp-sa-pubsub\./, 'Pub/Sub'],
  [/^serviceAccount:service-\d+@gs-project-accounts\./, 'Cloud Storage'],
  [/^serviceAccount:service-\d+@serverless-robot-prod\./, 'Cloud Run'],
];

function grantsOf(deployment: Deployment): readonly Grant[] {
  return deployment.resources
    .filter(({ type }) => /_iam_(member|binding|policy)$/.test(type))
    .map((resource) => toGrant(deployment, resource));
}

function toGrant(deployment: Deployment, { type, address, values }: Resource): Grant {
  const [word, attribute] = TARGETS[type] ?? [address, 'id'];
  const id = textAt(values, attribute);
  const target = attribute === 'crypto_key_id' ? keyLocation(id) : shortName(id);
  return [
    whoIs(textAt(values, 'member')),
    roleOf(deployment, textAt(values, 'role')),
    `${word} ${target}`,
    belowOf(values),
  ];
}

function whoIs(member: string): string {
  const agent = AGENTS.find(([pattern]) => pattern.test(member));
  if (agent) return agent[1];
  return member.includes(`@${PROJECT}.iam.`) ? shortName(member.replace('serviceAccount:', '')) : member;
}

/** `fileshare-scanner@…` and `projects/…/demo-project-fileshare-unscanned` without what is common to all. */
export function shortName(name: string): string {
  const last = name.split('/').at(-1) ?? '';
  return (last.split('@')[0] ?? '')
    .replace(/^(demo-project-)?(fileshare|share)-/, '')
    .replace(/^example-fileshare-/, '');
}

/** A custom role as what it permits. */
function roleOf(deployment: Deployment, role: string): string {
  if (!role.startsWith('projects/')) return role;
  const permissions = customPermissions(deployment, role);
  if (permissions.join() === 'iam.serviceAccounts.signBlob') return 'sign';
  const verbs = permissions.map((permission) => permission.replace(/^storage\.objects\./, ''));
  return `objects: ${verbs.join(', ')}`;
}

/** The permissions of a custom role, sorted. */
export function customPermissions(deployment: Deployment, role: string): readonly string[] {
  const id = role.split('/').at(-1);
  const custom = ofType(deployment, 'google_project_iam_custom_role').find(
    ({ values }) => textAt(values, 'role_id') === id,
  );
  return listAt(custom?.values, 'permissions').map(String).sort();
}

/** The prefixes of a grant's condition. Only conditions that consist of nothing but prefixes are known. */
export function belowOf(values: unknown): string {
  const expression = textAt(values, 'condition', 0, 'expression');
  const prefixes = expression.split(' || ').map((part) => {
    const [, bucket, prefix] =
      /^resource\.name\.startsWith\("projects\/_\/buckets\/([^/]+)\/objects\/([^"]+)"\)$/.exec(part) ?? [];
    return bucket === textAt(values, 'bucket') ? prefix : undefined;
  });
  if (listAt(values, 'condition').length === 0) return '';
  return prefixes.every((prefix) => prefix !== undefined) ? prefixes.join(', ') : `unknown: ${expression}`;
}

const key = (grant: Grant): string => grant.join(' | ');

/** Forbidden grants, and, where all have to be there, missing ones. */
export function grantFindings(deployment: Deployment): readonly string[] {
  const allowed = new Set(ALLOWED.map(key));
  const granted = grantsOf(deployment).map(key);
  const present = new Set(granted);
  return [
    ...granted.filter((grant) => !allowed.has(grant)).map((grant) => `granted and not allowed: ${grant}`),
    ...(deployment.example === 'complete' ? [...allowed] : [])
      .filter((grant) => !present.has(grant))
      .map((grant) => `needed and not granted: ${grant}`),
  ];
}

/** The table of docs/topology.md. */
export function grantTable(deployment: Deployment): string {
  const order = ALLOWED.map(key);
  const rows = grantsOf(deployment)
    .toSorted((one, other) => order.indexOf(key(one)) - order.indexOf(key(other)))
    .map(([who, role, on, below]) => `| ${who} | ${role.replace(/^roles\//, '')} | ${on} | ${below} |`);
  return ['| who | may | on | below |', '|---|---|---|---|', ...rows].join('\n');
}
