import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { containersOf, type Deployment, envOf, ofType, type Resource } from './deployment.ts';
import { at, listAt, numberAt, textAt } from './json.ts';
import { ROOT } from './tools.ts';

/** Errors in buckets, topics, subscriptions and schedules. */
export function eventFindings(deployment: Deployment): readonly string[] {
  const subscriptions = ofType(deployment, 'google_pubsub_subscription');
  return [
    ...ofType(deployment, 'google_storage_bucket').flatMap(bucketFindings),
    ...subscriptions.flatMap((subscription) => deadLetterFindings(deployment, subscription)),
    ...subscriptions.flatMap((subscription) => pushFindings(deployment, subscription)),
    ...finalizeFindings(deployment),
    ...scheduleFindings(deployment),
  ];
}

function bucketFindings({ name, values }: Resource): readonly string[] {
  const findings: string[] = [];
  if (at(values, 'uniform_bucket_level_access') !== true) findings.push('no uniform bucket-level access');
  if (textAt(values, 'public_access_prevention') !== 'enforced') findings.push('can be made public');
  if (name === 'unscanned' || name === 'quarantine') {
    if (numberAt(values, 'soft_delete_policy', 0, 'retention_duration_seconds') !== 0)
      findings.push('soft delete keeps malware');
    if (listAt(values, 'versioning').length > 0) findings.push('versions keep malware');
    const deletes = listAt(values, 'lifecycle_rule').some(
      (rule) => textAt(rule, 'action', 0, 'type') === 'Delete',
    );
    if (!deletes) findings.push('nothing is ever deleted');
  }
  if (name === 'permanent') findings.push(...permanentFindings(values));
  return findings.map((finding) => `bucket ${name}: ${finding}`);
}

/** Prefixes of the permanent bucket below which a lifecycle rule may delete, of which the newest report of an audit has to stay. */
const REPORTS = 'auditor/reports/';
const DELETED = ['erased/', REPORTS];

function permanentFindings(values: unknown): readonly string[] {
  const conditions = listAt(values, 'lifecycle_rule').map((rule) => at(rule, 'condition', 0));
  const prefixesOf = (condition: unknown) => listAt(condition, 'matches_prefix').map(String);
  const isBounded = (prefixes: readonly string[]) =>
    prefixes.length > 0 && prefixes.every((prefix) => DELETED.includes(prefix));
  const reports = conditions.filter((condition) => prefixesOf(condition).includes(REPORTS));
  return [
    ...(conditions.map(prefixesOf).every(isBounded) ? [] : ['a lifecycle rule deletes records or contents']),
    ...(reports.length === 1 ? [] : ['reports of audits accumulate']),
    ...reports
      .filter((condition) => !(numberAt(condition, 'days_since_custom_time') >= 1))
      .map(() => 'the newest report of an audit is deleted'),
  ];
}

const lastOf = (path: string): string => path.split('/').at(-1) ?? '';

/** Those of dead letters are the end of the line. */
const isEnd = (topic: string): boolean => topic.endsWith('-dead');

function deadLetterFindings(deployment: Deployment, { values }: Resource): readonly string[] {
  const name = textAt(values, 'name');
  const topic = lastOf(textAt(values, 'topic'));
  if (isEnd(topic)) return [];
  const dead = lastOf(textAt(values, 'dead_letter_policy', 0, 'dead_letter_topic'));
  if (!dead) return [`subscription ${name}: no dead letters`];
  const read = ofType(deployment, 'google_pubsub_subscription').some(
    (other) => lastOf(textAt(other.values, 'topic')) === dead,
  );
  return read && isEnd(dead) ? [] : [`subscription ${name}: nobody keeps its dead letters`];
}

/** Paths of the services that answer one alone. */
const PATHS: Readonly<Record<string, string>> = {
  scanner: '/',
  rescanner: '/',
  notify: '/',
  auditor: '/audit',
  exporter: '/export',
};

/** The paths that the sweeper answers, as its source has them. */
function sweeperPaths(): ReadonlySet<string> {
  const source = readFileSync(join(ROOT, 'functions/sweeper/index.ts'), 'utf8');
  const [, table = ''] = /const ROUTES[\s\S]*?= \{\n([\s\S]*?)\n\};/.exec(source) ?? [];
  return new Set([...table.matchAll(/'(\/[\w-]+)':/g)].map(([, path = '']) => path));
}

function urlFindings(deployment: Deployment, what: string, url: string, audience: string): readonly string[] {
  const service = ofType(deployment, 'google_cloud_run_v2_service').find(({ values }) =>
    url.startsWith(`${textAt(values, 'uri')}/`),
  );
  if (!service) return [`${what}: ${url} is no service of ours`];
  const base = textAt(service.values, 'uri');
  const path = url.slice(base.length);
  const only = PATHS[String(service.index ?? service.name)];
  const served = only === undefined ? sweeperPaths().has(path) : path === only;
  return [
    ...(served ? [] : [`${what}: nothing answers at ${path}`]),
    ...(audience === base ? [] : [`${what}: Cloud Run refuses tokens for ${audience}`]),
  ];
}

function pushFindings(deployment: Deployment, { name, values }: Resource): readonly string[] {
  const push = at(values, 'push_config', 0);
  if (!push) return [];
  const what = `subscription ${textAt(values, 'name')}`;
  const account = textAt(push, 'oidc_token', 0, 'service_account_email').split('@')[0] ?? '';
  const expected = name === 'subscriber' ? /-delivery$/ : /-push$/;
  return [
    ...(expected.test(account) ? [] : [`${what}: pushes in the name of "${account}"`]),
    ...(name === 'subscriber'
      ? []
      : urlFindings(
          deployment,
          what,
          textAt(push, 'push_endpoint'),
          textAt(push, 'oidc_token', 0, 'audience'),
        )),
  ];
}

function finalizeFindings(deployment: Deployment): readonly string[] {
  const findings: string[] = [];
  const subscription = ofType(deployment, 'google_pubsub_subscription').find(
    ({ name }) => name === 'finalized_scanner',
  )?.values;
  const notification = ofType(deployment, 'google_storage_notification')[0]?.values;
  const sweeper = containersOf(deployment).find(({ name }) => name === 'sweeper');
  if (textAt(notification, 'payload_format') !== 'JSON_API_V1')
    findings.push('the notification carries no object');
  if (listAt(notification, 'event_types').join() !== 'OBJECT_FINALIZE')
    findings.push('not the finalize event alone');
  if (lastOf(textAt(notification, 'topic')) !== lastOf(textAt(subscription, 'topic')))
    findings.push('nobody listens');
  if (numberAt(subscription, 'ack_deadline_seconds') !== 600) findings.push('the ack deadline is not 600 s');
  if (textAt(subscription, 'filter') !== 'NOT hasPrefix(attributes.objectId, "parts/")')
    findings.push('parts of uploads are scanned');
  if (textAt(subscription, 'expiration_policy', 0, 'ttl') !== '') findings.push('the subscription expires');

  const stuckAfter = Number(sweeper && envOf(sweeper)['STUCK_AFTER_SECONDS']);
  const lasts = retryingFor(subscription);
  if (!(lasts > stuckAfter))
    findings.push(`its attempts last for ${lasts} s, not above STUCK_AFTER_SECONDS (docs/adr/0006)`);
  return findings.map((finding) => `finalize: ${finding}`);
}

/** Seconds from the first attempt to the last, with pauses that double. */
function retryingFor(subscription: unknown): number {
  const seconds = (key: string): number =>
    Number(textAt(subscription, 'retry_policy', 0, key).replace(/s$/, ''));
  const attempts = numberAt(subscription, 'dead_letter_policy', 0, 'max_delivery_attempts');
  let lasts = 0;
  for (let pause = 0; pause < attempts - 1; pause++) {
    lasts += Math.min(seconds('minimum_backoff') * 2 ** pause, seconds('maximum_backoff'));
  }
  return lasts;
}

function scheduleFindings(deployment: Deployment): readonly string[] {
  const jobs = ofType(deployment, 'google_cloud_scheduler_job');
  const missing = ['sweep', 'collect', 'rescan']
    .filter(
      (path) => !jobs.some(({ values }) => textAt(values, 'http_target', 0, 'uri').endsWith(`/${path}`)),
    )
    .map((path) => `nobody calls /${path}`);
  const wrong = jobs.flatMap(({ name, values }) => {
    const target = at(values, 'http_target', 0);
    if (name === 'mirror') {
      return textAt(target, 'uri').endsWith(':run') && at(target, 'oauth_token', 0)
        ? []
        : ['the mirror job is not run'];
    }
    return urlFindings(
      deployment,
      `schedule ${textAt(values, 'name')}`,
      textAt(target, 'uri'),
      textAt(target, 'oidc_token', 0, 'audience'),
    );
  });
  // The event of a deleted file comes with the next collection, and a cycle may take several.
  const rare = jobs
    .filter(({ values }) => textAt(values, 'http_target', 0, 'uri').endsWith('/collect'))
    .filter(({ values }) => !/^\d{1,2} \* \* \* \*$/.test(textAt(values, 'schedule')))
    .map(({ values }) => `collect is not called hourly: ${textAt(values, 'schedule')}`);
  return [...missing, ...wrong, ...rare];
}
