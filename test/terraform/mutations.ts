import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Change } from './deployment.ts';
import { blocksOf, without } from './hcl.ts';
import { MODULE } from './tools.ts';

export interface Mutation {
  readonly what: string;
  readonly change: Change;
}

const FILES = readdirSync(MODULE).filter((file) => file.endsWith('.tf'));
const read = (file: string): string => readFileSync(join(MODULE, file), 'utf8');

/** Every grant, dead letter and probe that the module has, deleted one at a time. */
export function deletions(): readonly Mutation[] {
  return [
    ...FILES.flatMap(grantDeletions),
    ...FILES.flatMap((file) =>
      ['dead_letter_policy', 'startup_probe', 'liveness_probe', 'traffic'].flatMap((kind) =>
        blockDeletions(file, kind),
      ),
    ),
    ...lineDeletions('iam.tf', /^ {6}"([a-z]+\.[a-z]+)" += \{ bucket.*\n/gm),
    ...lineDeletions(
      'agents.tf',
      /^ {6}(pubsub|run) += \{ location.*\n|^ {6}local\.(new_buckets|has_mirror) \? \[.*\n/gm,
    ),
    ...deadTopicDeletions(),
  ];
}

/** A whole resource, and what waits for it. */
function grantDeletions(file: string): Mutation[] {
  return blocksOf(read(file), 'resource')
    .filter(({ labels: [type = ''] }) => /_iam_(member|binding|policy)$/.test(type))
    .map((block) => {
      const address = block.labels.join('.');
      return {
        what: `${file}: ${address}`,
        change: (name, text) => unmentioned(name === file ? text.replace(block.text, '') : text, address),
      };
    });
}

function unmentioned(text: string, address: string): string {
  return text.replaceAll(/depends_on( +)= \[[^\]]*\]/g, (list) =>
    list
      .replaceAll(new RegExp(`\\b${address.replaceAll('.', '\\.')}\\b(,\\s*)?`, 'g'), '')
      .replace(/,\s*\]$/, ']'),
  );
}

function blockDeletions(file: string, kind: string): Mutation[] {
  return blocksOf(read(file), kind).map((block, at) => ({
    what: `${file}: ${kind} ${at + 1}`,
    change: (name, text) => (name === file ? without(text, block) : text),
  }));
}

function lineDeletions(file: string, pattern: RegExp): Mutation[] {
  return [...read(file).matchAll(pattern)].map((match) => ({
    what: `${file}: ${match[0].trim().slice(0, 40)}`,
    change: (name, text) => (name === file ? text.replace(match[0], '') : text),
  }));
}

/** Subscriptions that keep dead letters. */
function deadTopicDeletions(): Mutation[] {
  return blocksOf(read('events.tf'), 'resource')
    .filter(({ labels: [type, name = ''] }) => type === 'google_pubsub_subscription' && name.includes('dead'))
    .map((block) => {
      const address = block.labels.join('.');
      return {
        what: `events.tf: ${address}`,
        change: (name, text) => {
          const rest = unmentioned(name === 'events.tf' ? text.replace(block.text, '') : text, address);
          return name === 'outputs.tf'
            ? rest.replace(/output "dead_letter_subscriptions" \{[\s\S]*?\n\}\n/, '')
            : rest;
        },
      };
    });
}

const planted = (what: string, file: string, from: string, to: string): Mutation => ({
  what,
  change: (name, text) => {
    if (name !== file) return text;
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
    return text.replace(from, to);
  },
});

/** Mistakes that somebody could make. */
export const MISTAKES: readonly Mutation[] = [
  planted('a bucket that can be made public', 'buckets.tf', '"enforced"', '"inherited"'),
  planted(
    'soft delete where malware lies',
    'buckets.tf',
    'retention_duration_seconds = 0',
    'retention_duration_seconds = 604800',
  ),
  planted('contents deleted by age', 'buckets.tf', 'matches_prefix = ["erased/"]', ''),
  planted('the newest report deleted', 'buckets.tf', 'days_since_custom_time = 1', ''),
  planted(
    'a permission too many',
    'iam.tf',
    'permissions = ["create"], prefixes',
    'permissions = ["create", "get"], prefixes',
  ),
  planted('a prefix lost', 'iam.tf', 'prefixes = ["files/"]', 'prefixes = []'),
  planted('the scanner for everybody', 'iam.tf', '["upload", "files"]', '["upload", "files", "sweeper"]'),
  planted(
    'one account in place of another',
    'iam.tf',
    'google_service_account.this["push"]',
    'google_service_account.this["schedule"]',
  ),
  planted('links that lead nowhere', 'services.tf', 'FILES_URL        = local.files_url', ''),
  planted(
    'links to a host name that is not open',
    'main.tf',
    'coalesce(local.public_url, local.run_urls.files)',
    'local.run_urls.files',
  ),
  planted('a variable by a wrong name', 'services.tf', 'SCAN_EVENTS_TOPIC', 'EVENTS_TOPIC'),
  planted(
    'a schedule that the sweeper refuses',
    'services.tf',
    'SCHEDULE_CALLER      = google_service_account.this["schedule"].email',
    'SCHEDULE_CALLER      = google_service_account.this["push"].email',
  ),
  planted(
    'dead letters that the sweeper refuses',
    'services.tf',
    'DEAD_LETTER_CALLER   = google_service_account.this["push"].email',
    'DEAD_LETTER_CALLER   = google_service_account.this["scanner"].email',
  ),
  planted('a variable forgotten', 'services.tf', 'FINALIZE_TOPIC', 'LOG_LEVEL'),
  planted(
    'development signatures that count',
    'services.tf',
    'DEDUPLICATE ',
    'ALLOW_UNDATED_SIGNATURES = "true"\nDEDUPLICATE ',
  ),
  planted('the options of docs/adr/0005 lost', 'services.tf', 'MALLOC_ARENA_MAX = "1"', ''),
  planted('a wrong push path', 'events.tf', '/dead-letters"', '/dead-letter"'),
  planted(
    'a token for another audience',
    'events.tf',
    'audience              = google_cloud_run_v2_service.scanner["scanner"].uri',
    'audience = "https://example.org"',
  ),
  planted(
    'an ack deadline below a scan',
    'events.tf',
    'ack_deadline_seconds       = 600',
    'ack_deadline_seconds = 60',
  ),
  planted(
    'attempts that are over too soon',
    'events.tf',
    'finalized_attempts = 100',
    'finalized_attempts = 5',
  ),
  planted('parts of uploads that are scanned', 'events.tf', 'parts/', 'part/'),
  planted(
    'a key of another location',
    'buckets.tf',
    'local.bucket_kms_key',
    '"projects/p/locations/us/keyRings/r/cryptoKeys/k"',
  ),
  planted(
    'services that anybody may call',
    'services.tf',
    'each.value.checks_tokens && var.invoker_iam_disabled',
    'true',
  ),
  planted(
    'a limit that nobody gets through',
    'lb.tf',
    'count        = var.load_balancer.requests_per_minute',
    'count = 600',
  ),
  planted('a wrong schedule', 'schedule.tf', 'sweep   = {', 'sweeps   = {'),
  planted('a collection once a day', 'variables.tf', '"23 * * * *"', '"23 3 * * *"'),
  planted('a collection that nobody misses', 'alerts.tf', '_collections{', '_redriven{'),
  planted(
    'a route that leads elsewhere',
    'lb.tf',
    'paths = ["/files"], prefixes = ["/files/"], function = "files"',
    'paths = ["/files"], prefixes = ["/files/"], function = "upload"',
  ),
  planted('a method lost', 'lb.tf', 'method = "POST"', 'method = null'),
  planted(
    'a way around the load balancer',
    'services.tf',
    '"INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"',
    '"INGRESS_TRAFFIC_ALL"',
  ),
  planted(
    'the scanner open to the world',
    'scanner.tf',
    'INGRESS_TRAFFIC_INTERNAL_ONLY',
    'INGRESS_TRAFFIC_ALL',
  ),
  planted('too little temporary space', 'scanner.tf', 'local.max_member) / local.mib', '0) / local.mib'),
  planted(
    'more scans than slots',
    'scanner.tf',
    'max_instance_request_concurrency = local.scan_concurrency',
    'max_instance_request_concurrency = 80',
  ),
  planted('a scanner that does not wait for ClamAV', 'scanner.tf', 'depends_on = ["clamav"]', ''),
  planted('a probe that stale signatures fail', 'scanner.tf', '"/healthz"', '"/readyz"'),
  planted('an alert on words that nobody says', 'alerts.tf', 'engine unfit, files wait', 'engine unfit'),
  planted('an alert on words that no script says', 'alerts.tf', 'are held for too long', 'are held too long'),
  planted('an alert on a metric that is not there', 'alerts.tf', '_not_completed{', '_uncompleted{'),
  planted(
    'an image by tag',
    'scanner.tf',
    'image      = var.images.scanner',
    'image      = "gcr.io/x/scanner:latest"',
  ),
  planted(
    'refusals by words that Cloud Run does not write',
    'metrics.tf',
    'no available instance',
    'no free instance',
  ),
  planted(
    'a maximum of another service',
    'alerts.tf',
    'var.scanner.max_instances} and',
    'var.upload.max_instances} and',
  ),
  planted(
    'an order to scan again that nobody misses',
    'metrics.tf',
    '_rescan_job_seconds_bucket{',
    '_rescan_behind_seconds_bucket{',
  ),
  planted(
    'an uptime check of a path that Cloud Run takes',
    'uptime.tf',
    'method = "GET", path = "/files"',
    'method = "GET", path = "/healthz"',
  ),
  planted(
    'an uptime check of the wrong host',
    'uptime.tf',
    'trimprefix(local.files_url, "https://")',
    '"example.org"',
  ),
  planted(
    'an uptime check that takes every answer',
    'uptime.tf',
    'status_value = 401',
    'status_class = "STATUS_CLASS_ANY"',
  ),
  planted(
    'an uptime check that any server satisfies',
    'uptime.tf',
    'content = "/problems/unauthenticated"',
    'content = "401"',
  ),
  planted(
    'an uptime check that alerts nobody',
    'uptime.tf',
    'conditions.value.uptime_check_id',
    'conditions.key',
  ),
  planted(
    'an alert on one region that does not reach us',
    'uptime.tf',
    'threshold_value = 1',
    'threshold_value = 0',
  ),
  planted('a threshold between two bounds', 'metrics.tf', 'distribution.alert[*])', '[])'),
];
