import assert from 'node:assert/strict';
import { readingsOf } from '../../../../client/src/cli/readings.ts';
import {
  counter,
  distribution,
  evaluateExpressions,
  gauge,
  hasPromtool,
  type Phase,
  type Series,
} from '../../../terraform/promtool.ts';

const REVISION = { monitored_resource: 'cloud_run_revision' };
const MINUTES = 60;
const user = (metric: string) => `logging_googleapis_com:user_my_files_${metric}`;
const counted = (metric: string, labels: object, perMinute: number): Series =>
  counter(user(metric), { ...REVISION, ...labels }, [[MINUTES, perMinute]]);
const seen = (metric: string, value: number, labels: object = {}): Series[] =>
  distribution(user(metric), { ...REVISION, ...labels }, [value], [[MINUTES, value, 1]]);
const SCANNER = { service_name: 'my-files-scanner' };
const RESCANNER = { service_name: 'my-files-rescanner' };
const ofSubscription = (metric: string, subscription: string, value: number): Series =>
  gauge(
    `pubsub_googleapis_com:subscription_${metric}`,
    { monitored_resource: 'pubsub_subscription', subscription_id: subscription },
    [[MINUTES, value]],
  );
const ofService = (service: string, phases: readonly Phase[]): Series =>
  gauge('run_googleapis_com:container_instance_count', { ...REVISION, service_name: service }, phases);
const alone = (value: number) => [{ labels: {}, value }];

const SERIES: readonly Series[] = [
  ofSubscription('num_undelivered_messages', 'my-files-finalized-scanner', 3),
  ofSubscription('oldest_unacked_message_age', 'my-files-finalized-scanner', 7),
  ofSubscription('num_undelivered_messages', 'my-files-rescan-rescanner', 4),
  ofSubscription('num_undelivered_messages', 'my-files-rescan-dead', 1),
  ofSubscription('num_undelivered_messages', 'my-files-finalized-dead-sweeper', 2),
  ofSubscription('num_undelivered_messages', 'another-rescan-dead', 100),
  counted('scans', { verdict: 'clean' }, 2),
  counted('scans', { verdict: 'infected' }, 1),
  counted('rescans', { outcome: 'clean' }, 1),
  counted('redriven', {}, 1),
  ...seen('oldest_pending_seconds', 100),
  ...seen('verdict_seconds', 10),
  ...seen('scan_milliseconds', 4_000),
  ...seen('slots_used', 2, SCANNER),
  ...seen('slots_used', 1, RESCANNER),
  ...seen('slots_free', 3, SCANNER),
  ...seen('rescan_job_seconds', 1_000),
  counted('by_database', { database: '27654' }, 2),
  ...seen('signature_age_seconds', 100),
  counter(
    'run_googleapis_com:request_count',
    { ...REVISION, service_name: 'my-files-files', response_code_class: '5xx' },
    [[MINUTES, 1]],
  ),
  ofService('my-files-files', [[MINUTES, 2]]),
  ofService('another-files', [[MINUTES, 9]]),
];

/** Values in these series; without any for the rest. A quantile is a share of its only range. */
const EXPECTED: Readonly<Record<string, readonly { labels: Record<string, string>; value: number }[]>> = {
  eventsWaiting: alone(3),
  oldestEventSeconds: alone(7),
  oldestPendingSeconds: alone(99),
  verdicts: [
    { labels: { verdict: 'clean' }, value: 120 },
    { labels: { verdict: 'infected' }, value: 60 },
  ],
  verdictSecondsMedian: alone(5),
  verdictSecondsSlow: alone(9.5),
  scanSecondsMedian: alone(2),
  scanSecondsSlow: alone(3.8),
  slotsUsed: [
    { labels: SCANNER, value: 2 },
    { labels: RESCANNER, value: 1 },
  ],
  slotsFree: [{ labels: SCANNER, value: 3 }],
  slotsBusiest: [
    { labels: SCANNER, value: 2 },
    { labels: RESCANNER, value: 1 },
  ],
  rescansWaiting: alone(4),
  rescanJobSeconds: alone(990),
  databases: [{ labels: { database: '27654' }, value: 120 }],
  rescans: [{ labels: { outcome: 'clean' }, value: 60 }],
  signatureAgeSeconds: alone(99),
  deadLetters: alone(3),
  failed: alone(0),
  notCompleted: alone(0),
  redriven: alone(60),
  serverErrors: alone(60),
  refused: alone(0),
  instances: [{ labels: { service_name: 'my-files-files' }, value: 2 }],
  audits: alone(0),
  rulesBroken: alone(0),
};

describe('the readings of fileshare admin status, evaluated by Prometheus', () => {
  before(function () {
    if (!hasPromtool()) this.skip();
  });

  for (const { name, query } of readingsOf('my-files')) {
    it(`has the value of ${name}`, () => {
      const values = EXPECTED[name] ?? [];
      assert.equal(evaluateExpressions([{ query, values }], { series: SERIES, minutes: MINUTES }), '');
    });
  }

  it('has no slots in use where nothing scans, and none that are free', () => {
    const values = (name: string) => (name === 'slotsFree' ? [] : alone(0));
    const readings = readingsOf('my-files').filter(({ name }) => name.startsWith('slots'));
    assert.equal(readings.length, 3);
    const expressions = readings.map(({ name, query }) => ({ query, values: values(name) }));
    assert.equal(evaluateExpressions(expressions, { series: [], minutes: MINUTES }), '');
  });

  it('tells a wrong value', () => {
    const query = 'sum(redriven)';
    assert.match(evaluateExpressions([{ query, values: alone(1) }], { series: [], minutes: 1 }), /got/);
  });
});
