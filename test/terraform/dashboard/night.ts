import type { Range } from './prometheus.ts';
import { Samples } from './samples.ts';

const DAY = 1_440;
/** Minutes of the samples: windows of a day look back from the first that is shown. */
const MINUTES = DAY + 360;
const END = Date.UTC(2026, 0, 15, 3, 36) / 1000;
const START = END - MINUTES * 60;
/** ClamAV of all instances hangs from then on. */
const HANGS = MINUTES - 51;
const NEW_SIGNATURES = MINUTES - 246;

/** The time that the picture shows. */
export const SHOWN: Range = { start: END - 360 * 60, end: END, step: 120 };

const SLOTS = 2;
const USER = 'logging_googleapis_com:user_fileshare_';
const REVISION = { monitored_resource: 'cloud_run_revision' };
const SCANNER = { ...REVISION, service_name: 'fileshare-scanner' };
const RESCANNER = { ...REVISION, service_name: 'fileshare-rescanner' };
const SWEEPER = { ...REVISION, service_name: 'fileshare-sweeper' };
const AUDITOR = { ...REVISION, service_name: 'fileshare-auditor' };

/** Waves about a mean, so that no line is straight. */
const about = (mean: number, minute: number, share = 0.2): number =>
  mean * (1 + share * Math.sin(minute / 17) + (share / 2) * Math.sin(minute / 5));
const hangs = (minute: number): boolean => minute >= HANGS;
const hung = (minute: number): number => Math.max(0, minute - HANGS);
const uploads = (minute: number): number => about(minute < MINUTES - 300 ? 9 : 5, minute);
/** Minutes of a clock, of which the last is {@link END}. */
const daily = (hours: number, minutes: number) => (minute: number) =>
  Math.abs(((minute + 21 * 60 + 36) % DAY) - (hours * 60 + minutes)) < 1 ? 0.5 : 0;
const rescanning = (minute: number): number => Math.max(0, 60 - ((minute + 36) % 180));

/**
 * A night in which ClamAV hangs at a quarter to three: series of every metric that the dashboard asks for.
 * @param boundsOf bounds of a distribution of the module
 */
export function night(boundsOf: (metric: string) => readonly number[], bucket: string): string {
  const samples = new Samples(START, MINUTES);
  const counted = (metric: string, of: Readonly<Record<string, string>>, rate: (minute: number) => number) =>
    samples.counter(USER + metric, of, rate);
  const seen = (
    metric: string,
    of: Readonly<Record<string, string>>,
    values: (minute: number) => readonly (readonly [number, number])[],
  ) => samples.distribution(USER + metric, of, boundsOf(metric), values);

  const decided = (minute: number) => (hangs(minute) ? 0 : uploads(minute));
  for (const [verdict, share] of [
    ['clean', 0.97],
    ['infected', 0.01],
    ['unscannable', 0.02],
  ] as const) {
    counted('scans', { ...SCANNER, verdict }, (minute) => decided(minute) * share);
  }
  for (const [database, isUsed] of [
    ['27654', (minute: number) => minute < NEW_SIGNATURES],
    ['27655', (minute: number) => minute >= NEW_SIGNATURES],
  ] as const) {
    counted('by_database', { ...SCANNER, database }, (minute) => (isUsed(minute) ? decided(minute) : 0));
  }
  seen('scan_milliseconds', SCANNER, (minute) => [
    [about(180, minute), decided(minute) * 0.6],
    [about(700, minute), decided(minute) * 0.36],
    [about(4_000, minute), decided(minute) * 0.04],
  ]);
  seen('verdict_seconds', SCANNER, (minute) => [[2, decided(minute)]]);
  counted('verdicts_late', SCANNER, (minute) => decided(minute) * (minute % 60 < 4 ? 0.02 : 0));
  seen('signature_age_seconds', SCANNER, (minute) => [
    [(minute < NEW_SIGNATURES ? 20 * 3600 : 3 * 3600) + (minute % NEW_SIGNATURES) * 60, decided(minute)],
  ]);

  const busy = (minute: number) => Math.min(10, 2 + Math.floor(hung(minute) / 3));
  const used = (minute: number) => (hangs(minute) ? SLOTS : about(0.3, minute));
  seen('slots_used', SCANNER, (minute) => [[used(minute), busy(minute)]]);
  seen('slots_free', SCANNER, (minute) => [[SLOTS - used(minute), busy(minute)]]);
  seen('slots_used', RESCANNER, (minute) => (rescanning(minute) > 0 ? [[about(1.1, minute), 1]] : []));
  samples.distribution(
    'run_googleapis_com:container_max_request_concurrencies',
    SCANNER,
    [1, 2, 4, 8, 16, 32, 53, 64],
    (minute) => [[hangs(minute) ? Math.min(53, 2 + 3 * hung(minute)) : 2, busy(minute)]],
  );
  for (const [service, state, value] of [
    ['scanner', 'active', busy],
    ['scanner', 'idle', () => 0],
    ['rescanner', 'active', (minute: number) => Number(rescanning(minute) > 0)],
    ['upload', 'active', () => 2],
    ['files', 'active', (minute: number) => Math.round(about(3, minute))],
    ['sweeper', 'idle', () => 1],
  ] as const) {
    const of = { ...REVISION, service_name: `fileshare-${service}`, state };
    samples.gauge('run_googleapis_com:container_instance_count', of, value);
  }

  const waiting = (subscription: string, metric: string, value: (minute: number) => number) => {
    const of = { monitored_resource: 'pubsub_subscription', subscription_id: `fileshare-${subscription}` };
    samples.gauge(`pubsub_googleapis_com:subscription_${metric}`, of, value);
  };
  waiting('finalized-scanner', 'num_undelivered_messages', (minute) =>
    Math.round(1 + uploads(minute) * hung(minute)),
  );
  waiting('finalized-scanner', 'oldest_unacked_message_age', (minute) => 1 + hung(minute) * 60);
  waiting('rescan-rescanner', 'num_undelivered_messages', (minute) => Math.round(rescanning(minute) * 21));
  waiting('rescan-rescanner', 'oldest_unacked_message_age', (minute) =>
    rescanning(minute) > 0 ? (60 - rescanning(minute)) * 60 : 0,
  );
  waiting('finalized-dead-sweeper', 'num_undelivered_messages', () => 0);
  waiting('rescan-dead', 'num_undelivered_messages', () => 0);
  waiting('callbacks-dead', 'num_undelivered_messages', (minute) => (minute > MINUTES - 140 ? 2 : 0));

  seen('oldest_pending_seconds', SWEEPER, (minute) => [[20 + hung(minute) * 60, 0.2]]);
  counted('failed', SCANNER, () => 0);
  counted('not_completed', SCANNER, (minute) => (hangs(minute) ? 2 + hung(minute) / 20 : 0));
  counted('redriven', SWEEPER, (minute) => (hung(minute) > 16 ? 4 : 0));
  for (const outcome of ['clean', 'current']) {
    counted('rescans', { ...RESCANNER, outcome }, (minute) =>
      rescanning(minute) > 0 ? (outcome === 'clean' ? 20 : 1) : 0,
    );
  }
  seen('rescan_behind_seconds', SWEEPER, (minute) => [[about(5 * 3600, minute), 1 / 180]]);
  seen('rescan_job_seconds', SWEEPER, (minute) => [[about(9 * 3600, minute), 1 / 180]]);

  counted('audits', AUDITOR, daily(2, 32));
  counted('audit_reports', AUDITOR, daily(2, 32));
  counted('rules_broken', { ...AUDITOR, rule: 'uploadOverdue' }, daily(2, 30));
  counted('exports', { ...REVISION, service_name: 'fileshare-exporter' }, daily(1, 20));
  counted('recalled', SWEEPER, daily(22, 10));
  counted('handed_out', SWEEPER, daily(23, 2));
  counted('refused', { ...REVISION, service_name: 'fileshare-upload' }, daily(0, 40));
  for (const [status, share] of [
    ['200', 3],
    ['206', 0.4],
    ['409', 0.2],
  ] as const) {
    counted(
      'downloads',
      { ...REVISION, service_name: 'fileshare-files', status },
      (minute) => uploads(minute) * share,
    );
  }
  for (const [service, code, rate] of [
    ['upload', '2xx', (minute: number) => uploads(minute) * 8],
    ['files', '2xx', (minute: number) => about(70, minute)],
    ['files', '4xx', (minute: number) => about(3, minute) + hung(minute) / 2],
    ['files', '5xx', (minute: number) => (minute % 97 < 2 ? 0.5 : 0)],
  ] as const) {
    const of = { ...REVISION, service_name: `fileshare-${service}`, response_code_class: code };
    samples.counter('run_googleapis_com:request_count', of, rate);
  }
  counted(
    'callbacks_delivered',
    { ...REVISION, service_name: 'fileshare-notify' },
    (minute) => decided(minute) / 3,
  );
  counted(
    'callbacks_failed',
    { ...REVISION, service_name: 'fileshare-notify', reason: 'timeout' },
    (minute) => (minute > MINUTES - 200 ? 0.4 : 0),
  );
  samples.counter(
    'run_googleapis_com:job_completed_execution_count',
    { monitored_resource: 'cloud_run_job', job_name: 'fileshare-mirror', result: 'succeeded' },
    (minute) => (minute % 60 < 2 ? 0.5 : 0),
  );
  samples.gauge(
    'storage_googleapis_com:storage_object_count',
    { monitored_resource: 'gcs_bucket', bucket_name: bucket },
    () => 41,
  );
  return samples.toString();
}
