import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Deployment, ofType } from './deployment.ts';
import { at, listAt, numberAt, textAt } from './json.ts';
import { ROOT } from './tools.ts';

/** Errors in metrics, alerts, uptime checks and the dashboard. */
export function watchFindings(deployment: Deployment): readonly string[] {
  return [
    ...logFindings(deployment),
    ...dependentMetrics(deployment),
    ...limitFindings(deployment),
    ...boundFindings(deployment),
    ...uptimeFindings(deployment),
  ];
}

/** Every alert and metric looks for what the functions say in exactly these words. */
function logFindings(deployment: Deployment): readonly string[] {
  const filters = [
    ...ofType(deployment, 'google_logging_metric').flatMap(({ values }) => [
      textAt(values, 'filter'),
      textAt(values, 'value_extractor'),
      ...Object.values((at(values, 'label_extractors') as Record<string, string> | null) ?? {}),
    ]),
    ...ofType(deployment, 'google_monitoring_alert_policy').map(({ values }) =>
      textAt(values, 'conditions', 0, 'condition_matched_log', 0, 'filter'),
    ),
  ].join('\n');
  const source = globSync('{functions,shared}/**/*.ts', { cwd: ROOT })
    .map((file) => readFileSync(join(ROOT, file), 'utf8'))
    .join('\n');
  const messages = [...filters.matchAll(/jsonPayload\.message=(?:\(([^)]*)\)|("[^"]*"))/g)].flatMap(
    ([, many, one]) => [...(many ?? one ?? '').matchAll(/"([^"]*)"/g)].map(([, message = '']) => message),
  );
  const scripts = globSync('infra/clamav/*.sh', { cwd: ROOT })
    .map((file) => readFileSync(join(ROOT, file), 'utf8'))
    .join('\n');
  const starts = [...filters.matchAll(/jsonPayload\.message=~"\^([^"]*?):? ?"/g)].map(
    ([, start = '']) => start,
  );
  const fields = [...filters.matchAll(/jsonPayload\.(\w+)/g)].map(([, field = '']) => field);
  return [
    ...(messages.length > 8 ? [] : ['alerts on log lines are missing']),
    ...messages
      .filter((message) => !source.includes(`'${message}'`))
      .map((message) => `no function says "${message}"`),
    ...starts.filter((start) => !scripts.includes(`'${start}`)).map((start) => `no script says "${start}"`),
    ...fields
      .filter(
        (field) => !['message', 'component'].includes(field) && !new RegExp(`\\b${field}\\b`).test(source),
      )
      .map((field) => `no log line has ${field}`),
  ];
}

/** Labels that each time series has of the service that wrote the line. */
const OF_RESOURCE = ['monitored_resource', 'service_name'];

/** The log-based metrics that queries name are there, with the labels that they ask for, and each is in a query. */
function dependentMetrics(deployment: Deployment): readonly string[] {
  const defined = new Map(
    ofType(deployment, 'google_logging_metric').map(({ values }) => [
      textAt(values, 'name'),
      Object.keys((at(values, 'label_extractors') as Record<string, string> | null) ?? {}),
    ]),
  );
  const queries = [
    ...ofType(deployment, 'google_monitoring_alert_policy').map(({ values }) =>
      textAt(values, 'conditions', 0, 'condition_prometheus_query_language', 0, 'query'),
    ),
    ...ofType(deployment, 'google_monitoring_dashboard').map(({ values }) =>
      textAt(values, 'dashboard_json').replaceAll('\\"', '"'),
    ),
  ].join('\n');
  const selectors = [
    ...queries.matchAll(/logging_googleapis_com:user_(\w+?)(?:_bucket|_count|_sum)?\{([^}]*)\}/g),
  ].map(([, name = '', labels = '']) => ({
    name,
    labels: [...labels.matchAll(/(\w+)[=!]/g)].map(([, label = '']) => label),
  }));
  const absent = [...new Set(selectors.map(({ name }) => name))].filter((name) => !defined.has(name));
  const unlabelled = selectors.flatMap(({ name, labels }) =>
    labels
      .filter((label) => !OF_RESOURCE.includes(label) && !defined.get(name)?.includes(label))
      .map((label) => `the metric ${name} has no ${label}`),
  );
  const unwatched = [...defined.keys()].filter((name) => !selectors.some((one) => one.name === name));
  return [
    ...absent.map((name) => `there is no metric ${name}`),
    ...unlabelled,
    ...unwatched.map((name) => `nothing watches the metric ${name}`),
  ];
}

const queryOf = (deployment: Deployment, alert: string): string =>
  textAt(
    ofType(deployment, 'google_monitoring_alert_policy').find(({ index }) => index === alert)?.values,
    'conditions',
    0,
    'condition_prometheus_query_language',
    0,
    'query',
  );

/** Cloud Run's words about a request that it refused: https://cloud.google.com/run/docs/troubleshooting#abort-request */
const REFUSAL = 'The request was aborted because there was no available instance.';

function limitFindings(deployment: Deployment): readonly string[] {
  const refused = ofType(deployment, 'google_logging_metric').find(({ index }) => index === 'refused');
  const [, words = '-'] = /textPayload:"([^"]+)"/.exec(textAt(refused?.values, 'filter')) ?? [];
  const scanner = ofType(deployment, 'google_cloud_run_v2_service').find(({ index }) => index === 'scanner');
  const most = numberAt(scanner?.values, 'template', 0, 'scaling', 0, 'max_instance_count');
  return [
    ...(REFUSAL.includes(words)
      ? []
      : ['refused requests are counted by words that Cloud Run does not write']),
    ...(queryOf(deployment, 'scanner-at-maximum').includes(`}) >= ${most} and `)
      ? []
      : [`scanner-at-maximum does not go by the maximum of ${most} instances`]),
  ];
}

/** A quantile is guessed between two bounds of its histogram: what an alert compares it with has to be one. */
function boundFindings(deployment: Deployment): readonly string[] {
  return ofType(deployment, 'google_monitoring_alert_policy').flatMap(({ index }) => {
    const compared = /histogram_quantile\(.*user_fileshare_(\w+)_bucket.* > (\d+)$/;
    const [, metric, threshold] = compared.exec(queryOf(deployment, String(index))) ?? [];
    if (metric === undefined) return [];
    const found = ofType(deployment, 'google_logging_metric').find((one) => one.index === metric);
    const bounds = listAt(found?.values, 'bucket_options', 0, 'explicit_buckets', 0, 'bounds');
    return bounds.includes(Number(threshold)) ? [] : [`${index}: ${threshold} s is no bound of ${metric}`];
  });
}

/** Upload and files are asked what they answer without a token, and two regions that get something else are an alert. */
function uptimeFindings(deployment: Deployment): readonly string[] {
  const isPublic =
    ofType(deployment, 'google_cloud_run_v2_service_iam_member').some(
      ({ values }) => textAt(values, 'member') === 'allUsers',
    ) ||
    ofType(deployment, 'google_cloud_run_v2_service').some(
      ({ values }) => at(values, 'invoker_iam_disabled') === true,
    );
  const checks = ofType(deployment, 'google_monitoring_uptime_check_config');
  if (!isPublic) return checks.map(({ address }) => `${address}: Cloud Run does not let it through`);
  const policy = ofType(deployment, 'google_monitoring_alert_policy').find(
    ({ index }) => index === 'unreachable',
  );
  return Object.entries({ upload: 'POST', files: 'GET' }).flatMap(([name, method]) => {
    const values = checks.find(({ index }) => index === name)?.values;
    const http = at(values, 'http_check', 0);
    const condition = listAt(policy?.values, 'conditions').find(
      (one) => textAt(one, 'display_name') === name,
    );
    const threshold = at(condition, 'condition_threshold', 0);
    const insist = (holds: boolean, finding: string): string[] =>
      holds ? [] : [`uptime of ${name}: ${finding}`];
    const host = textAt(values, 'monitored_resource', 0, 'labels', 'host');
    const asked = `${textAt(http, 'request_method')} ${textAt(http, 'path')}`;
    return [
      ...insist(asked === `${method} /files`, `asks for "${asked}"`),
      ...insist(hostsOf(deployment, name).includes(host), `asks ${host}, where nothing of ours is`),
      ...insist(at(http, 'use_ssl') === true && at(http, 'validate_ssl') === true, 'takes any certificate'),
      ...insist(
        numberAt(http, 'accepted_response_status_codes', 0, 'status_value') === 401,
        'does not expect 401',
      ),
      ...insist(
        textAt(values, 'content_matchers', 0, 'content') === '/problems/unauthenticated',
        'takes an answer that is not of the function',
      ),
      ...insist(
        textAt(threshold, 'filter').includes(`check_id = "${textAt(values, 'uptime_check_id')}"`),
        'alerts nobody',
      ),
      ...insist(
        numberAt(threshold, 'threshold_value') === 1 && textAt(threshold, 'comparison') === 'COMPARISON_GT',
        'does not wait for a second region',
      ),
    ];
  });
}

/** Where clients reach a function. */
function hostsOf(deployment: Deployment, name: string): readonly string[] {
  const balanced = ofType(deployment, 'google_compute_managed_ssl_certificate').flatMap(
    ({ values }) => listAt(values, 'managed', 0, 'domains') as readonly string[],
  );
  if (balanced.length > 0) return balanced;
  const service = ofType(deployment, 'google_cloud_run_v2_service').find(({ index }) => index === name);
  const prefix = `${textAt(service?.values, 'name')}-`;
  return ofType(deployment, 'google_monitoring_uptime_check_config')
    .map(({ values }) => textAt(values, 'monitored_resource', 0, 'labels', 'host'))
    .filter((host) => host.startsWith(prefix) && host.endsWith('.run.app'));
}
