import assert from 'node:assert/strict';
import { apply, type Deployment, ofType } from './deployment.ts';
import { at, listAt, textAt } from './json.ts';
import {
  counter,
  distribution,
  evaluate,
  type Fired,
  gauge,
  hasPromtool,
  type Phase,
  type Rule,
  type Series,
} from './promtool.ts';
import { findTool } from './tools.ts';

const HOUR = 60;
const DAY = 24 * HOUR;
const REVISION = { monitored_resource: 'cloud_run_revision' };
const USER = 'logging_googleapis_com:user_fileshare_';

/** Signs of life of a healthy deployment. */
type Pulse = 'sweeps' | 'collections' | 'cycles' | 'audits' | 'rescans' | 'exports' | 'mirror';

interface Scenario {
  readonly what: string;
  readonly minutes: number;
  readonly series?: readonly Series[];
  /** Names of alerts, or alerts with their labels. */
  readonly fired: readonly (string | Fired)[];
  /** Minutes at the end without one of the pulses. */
  readonly without?: { readonly pulse: Pulse; readonly minutes: number };
}

const metricOf = ({ series }: Series): string => series.replace(/\{.*/, '');

describe('alerts by a query, evaluated by Prometheus', () => {
  let rules: readonly Rule[];
  let deployment: Deployment;

  before(async function () {
    this.timeout(300_000);
    const tfcheck = findTool('TFCHECK');
    if (!tfcheck || !hasPromtool()) return this.skip();
    const applied = await apply(tfcheck, 'complete', { only: 'init,plan,apply' });
    assert.ok(applied.deployment, applied.output);
    deployment = applied.deployment;
    rules = ofType(deployment, 'google_monitoring_alert_policy').flatMap(({ index, values }) => {
      const condition = at(values, 'conditions', 0, 'condition_prometheus_query_language', 0);
      const query = textAt(condition, 'query');
      return query ? [{ name: String(index), query, lasts: textAt(condition, 'duration') }] : [];
    });
    assert.ok(rules.length > 20);
  });

  const observed = (metric: string, seen: readonly (readonly [number, number, number])[]): Series[] => {
    const found = ofType(deployment, 'google_logging_metric').find(({ index }) => index === metric);
    const bounds = listAt(found?.values, 'bucket_options', 0, 'explicit_buckets', 0, 'bounds') as number[];
    assert.ok(bounds.length > 50, metric);
    return distribution(USER + metric, REVISION, bounds, seen);
  };
  const counted = (metric: string, phases: readonly Phase[], labels = {}): Series =>
    counter(USER + metric, { ...REVISION, ...labels }, phases);
  const requests = (service: string, code: string, phases: readonly Phase[]): Series =>
    counter(
      'run_googleapis_com:request_count',
      { ...REVISION, service_name: `fileshare-${service}`, response_code_class: code },
      phases,
    );

  /** The pulses of a healthy deployment. */
  function pulses(minutes: number, without: Scenario['without']): Series[] {
    const phases = (pulse: Pulse): [number, number][] =>
      without?.pulse === pulse
        ? [
            [minutes - without.minutes, 0.125],
            [without.minutes, 0],
          ]
        : [[minutes, 0.125]];
    const values = (pulse: Pulse, value: number) =>
      phases(pulse).map(([many, rate]): [number, number, number] => [many, value, rate]);
    return [
      ...distribution(`${USER}oldest_pending_seconds`, REVISION, [10], values('sweeps', 10)),
      ...distribution(`${USER}rescan_behind_seconds`, REVISION, [10], values('rescans', 10)),
      counted('collections', phases('collections')),
      counted('cycles', phases('cycles')),
      counted('audits', phases('audits')),
      counted('exports', phases('exports')),
      counter(
        'run_googleapis_com:job_completed_execution_count',
        { monitored_resource: 'cloud_run_job', job_name: 'fileshare-mirror', result: 'succeeded' },
        phases('mirror'),
      ),
    ];
  }

  const failed = (errors: readonly Phase[], good = 100): Series[] => {
    const minutes = errors.reduce((sum, [many]) => sum + many, 0);
    return [requests('upload', '2xx', [[minutes, good]]), requests('upload', '5xx', errors)];
  };
  const late = (phases: readonly Phase[], aMinute = 10): Series[] => {
    const minutes = phases.reduce((sum, [many]) => sum + many, 0);
    return [...observed('verdict_seconds', [[minutes, 1, aMinute]]), counted('verdicts_late', phases)];
  };
  const waiting = (subscription: string, metric: string, phases: readonly Phase[]): Series =>
    gauge(
      `pubsub_googleapis_com:subscription_${metric}`,
      { monitored_resource: 'pubsub_subscription', subscription_id: `fileshare-${subscription}` },
      phases,
    );
  const busy = (instances: number): Series =>
    gauge(
      'run_googleapis_com:container_instance_count',
      { ...REVISION, service_name: 'fileshare-scanner', state: 'active' },
      [[HOUR, instances]],
    );
  const oldest = (seconds: number): Series =>
    waiting('finalized-scanner', 'oldest_unacked_message_age', [[HOUR, seconds]]);

  const scenarios: readonly (Omit<Scenario, 'series'> & { readonly series?: () => readonly Series[] })[] = [
    {
      what: 'nothing, where all is well',
      minutes: 6 * HOUR,
      series: () => [...failed([[6 * HOUR, 0]]), ...late([[6 * HOUR, 0]])],
      fired: [],
    },
    { what: 'nothing, without any traffic', minutes: 6 * HOUR, fired: [] },
    {
      what: 'nothing, before the first error has made its series',
      minutes: 6 * HOUR,
      series: () => [
        requests('upload', '2xx', [[6 * HOUR, 100]]),
        ...observed('verdict_seconds', [[6 * HOUR, 1, 10]]),
      ],
      fired: [],
    },

    {
      what: 'nothing, with half of the errors that the budget allows',
      minutes: 6 * HOUR,
      series: () => failed([[6 * HOUR, 0.0625]]),
      fired: [],
    },
    {
      what: 'a slow burn of availability',
      minutes: 6 * HOUR,
      series: () => failed([[6 * HOUR, 1]]),
      fired: ['availability-slow'],
    },
    {
      what: 'a fast burn of availability',
      minutes: 7 * HOUR,
      series: () =>
        failed([
          [6 * HOUR, 0],
          [HOUR, 1.75],
        ]),
      fired: ['availability-fast'],
    },
    {
      what: 'nothing, once a fast burn is over',
      minutes: 7 * HOUR + 10,
      series: () =>
        failed([
          [6 * HOUR, 0],
          [HOUR, 1.75],
          [10, 0],
        ]),
      fired: [],
    },
    {
      what: 'nothing of the objective, where requests are few',
      minutes: 6 * HOUR,
      series: () => failed([[6 * HOUR, 0.0625]], 1),
      fired: [],
    },

    {
      what: 'nothing, with half of the late verdicts that the budget allows',
      minutes: 6 * HOUR,
      series: () => late([[6 * HOUR, 0.0625]]),
      fired: [],
    },
    {
      what: 'a slow burn of late verdicts',
      minutes: 6 * HOUR,
      series: () => late([[6 * HOUR, 0.6875]]),
      fired: ['late-verdicts-slow'],
    },
    {
      what: 'a fast burn of late verdicts',
      minutes: 7 * HOUR,
      series: () =>
        late([
          [6 * HOUR, 0],
          [HOUR, 1.625],
        ]),
      fired: ['late-verdicts-fast'],
    },
    {
      what: 'nothing, once a fast burn of late verdicts is over',
      minutes: 7 * HOUR + 10,
      series: () =>
        late([
          [6 * HOUR, 0],
          [HOUR, 1.625],
          [10, 0],
        ]),
      fired: [],
    },
    {
      what: 'nothing, where all of a few verdicts are late',
      minutes: 6 * HOUR,
      series: () => late([[6 * HOUR, 0.125]], 0.125),
      fired: [],
    },

    {
      what: 'server errors that the objective does not see yet',
      minutes: 6 * HOUR + 16,
      series: () =>
        failed([
          [6 * HOUR, 0],
          [16, 2.5],
        ]),
      fired: ['server-errors'],
    },
    {
      what: 'nothing, for uploads that are refused because the intake is paused',
      minutes: 7 * HOUR,
      series: () => {
        const refused: readonly Phase[] = [
          [6 * HOUR, 0],
          [HOUR, 50],
        ];
        return [...failed(refused), counted('paused', refused)];
      },
      fired: [],
    },
    {
      what: 'server errors beside uploads that are refused because the intake is paused',
      minutes: 7 * HOUR,
      series: () => [
        ...failed([
          [6 * HOUR, 0],
          [HOUR, 53],
        ]),
        counted('paused', [
          [6 * HOUR, 0],
          [HOUR, 50],
        ]),
      ],
      fired: ['availability-fast', 'server-errors'],
    },
    {
      what: 'nothing, for four errors in ten minutes',
      minutes: HOUR,
      series: () => failed([[HOUR, 0.375]], 0),
      fired: [],
    },
    {
      what: 'requests that Cloud Run refuses',
      minutes: HOUR,
      series: () => [requests('files', '2xx', [[HOUR, 100]]), counted('refused', [[HOUR, 3]])],
      fired: ['requests-refused'],
    },
    {
      what: 'nothing, for refusals below one in a hundred',
      minutes: HOUR,
      series: () => [requests('files', '2xx', [[HOUR, 400]]), counted('refused', [[HOUR, 3]])],
      fired: [],
    },
    {
      what: 'nothing, for fewer than twenty refusals',
      minutes: HOUR,
      series: () => [requests('files', '2xx', [[HOUR, 10]]), counted('refused', [[HOUR, 1.875]])],
      fired: [],
    },

    {
      what: 'nothing, for a file that waits for 890 s',
      minutes: HOUR,
      series: () => observed('oldest_pending_seconds', [[HOUR, 890, 0.25]]),
      fired: [],
    },
    {
      what: 'a file that waits for 910 s',
      minutes: HOUR,
      series: () => observed('oldest_pending_seconds', [[HOUR, 910, 0.25]]),
      fired: ['oldest-pending'],
    },
    {
      what: 'nothing, for signatures of 47 hours',
      minutes: HOUR,
      series: () => observed('signature_age_seconds', [[HOUR, 47 * 3600, 1]]),
      fired: [],
    },
    {
      what: 'signatures of 49 hours',
      minutes: HOUR,
      series: () => observed('signature_age_seconds', [[HOUR, 49 * 3600, 1]]),
      fired: ['old-signatures'],
    },
    {
      what: 'nothing, for a re-scan that has been due for 71 hours',
      minutes: 2 * HOUR,
      series: () => observed('rescan_behind_seconds', [[2 * HOUR, 71 * 3600, 0.125]]),
      fired: [],
    },
    {
      what: 'a re-scan that has been due for 73 hours',
      minutes: 2 * HOUR,
      series: () => observed('rescan_behind_seconds', [[2 * HOUR, 73 * 3600, 0.125]]),
      fired: ['rescan-behind'],
    },
    {
      what: 'nothing, for a job of 71 hours',
      minutes: 2 * HOUR,
      series: () => observed('rescan_job_seconds', [[2 * HOUR, 71 * 3600, 0.125]]),
      fired: [],
    },
    {
      what: 'a job of 73 hours',
      minutes: 2 * HOUR,
      series: () => observed('rescan_job_seconds', [[2 * HOUR, 73 * 3600, 0.125]]),
      fired: ['rescan-job-behind'],
    },

    { what: 'events that nobody takes', minutes: HOUR, series: () => [oldest(901)], fired: ['backlog'] },
    {
      what: 'nothing, for events that wait for 900 s',
      minutes: HOUR,
      series: () => [oldest(900)],
      fired: [],
    },
    {
      what: 'a scanner at its maximum, with events that wait',
      minutes: HOUR,
      series: () => [busy(10), oldest(61)],
      fired: ['scanner-at-maximum'],
    },
    {
      what: 'nothing, for a scanner at its maximum that keeps up',
      minutes: HOUR,
      series: () => [busy(10), oldest(60)],
      fired: [],
    },
    {
      what: 'nothing, for a scanner that has an instance left',
      minutes: HOUR,
      series: () => [busy(9), oldest(61)],
      fired: [],
    },
    {
      what: 'dead letters',
      minutes: HOUR,
      series: () => [waiting('rescan-dead', 'num_undelivered_messages', [[HOUR, 1]])],
      fired: [{ name: 'dead-letters-wait', labels: { subscription_id: 'fileshare-rescan-dead' } }],
    },
    {
      what: 'nothing, for letters that are alive',
      minutes: HOUR,
      series: () => [waiting('rescan-rescanner', 'num_undelivered_messages', [[HOUR, 9]])],
      fired: [],
    },

    {
      what: 'scans that fail',
      minutes: HOUR,
      series: () => [counted('not_completed', [[HOUR, 1.125]])],
      fired: ['scans-fail'],
    },
    {
      what: 'nothing, for a scan that fails now and then',
      minutes: HOUR,
      series: () => [counted('not_completed', [[HOUR, 0.875]])],
      fired: [],
    },
    {
      what: 'files that are redriven',
      minutes: HOUR,
      series: () => [counted('redriven', [[HOUR, 0.375]])],
      fired: ['files-redriven'],
    },
    {
      what: 'nothing, for 18 that are redriven in an hour',
      minutes: HOUR,
      series: () => [counted('redriven', [[HOUR, 0.3125]])],
      fired: [],
    },
    {
      what: 'callbacks that fail',
      minutes: 2 * HOUR,
      series: () => [counted('callbacks_failed', [[2 * HOUR, 0.5]], { reason: 'timeout' })],
      fired: ['callbacks-fail'],
    },
    {
      what: 'nothing, where more callbacks are delivered than fail',
      minutes: 2 * HOUR,
      series: () => [
        counted('callbacks_failed', [[2 * HOUR, 0.5]], { reason: 'timeout' }),
        counted('callbacks_delivered', [[2 * HOUR, 0.625]]),
      ],
      fired: [],
    },

    {
      what: 'sweeps that stop',
      minutes: 4 * HOUR,
      without: { pulse: 'sweeps', minutes: HOUR + 40 },
      fired: ['sweeps-absent'],
    },
    {
      what: 'collections that stop',
      minutes: 6 * HOUR,
      without: { pulse: 'collections', minutes: 3 * HOUR + 40 },
      fired: ['collect-absent'],
    },
    {
      what: 'cycles that do not end',
      minutes: 30 * HOUR,
      without: { pulse: 'cycles', minutes: DAY + 70 },
      fired: ['collect-behind'],
    },
    {
      what: 're-scans that stop',
      minutes: 30 * HOUR,
      without: { pulse: 'rescans', minutes: DAY + 70 },
      fired: ['rescan-absent'],
    },
    {
      what: 'a mirror that stops',
      minutes: 30 * HOUR,
      without: { pulse: 'mirror', minutes: DAY + 70 },
      fired: ['mirror-stale'],
    },
    {
      what: 'exports that stop',
      minutes: 40 * HOUR,
      without: { pulse: 'exports', minutes: 36 * HOUR + 70 },
      fired: ['export-absent'],
    },
    {
      what: 'audits that stop',
      minutes: 2 * DAY + 4 * HOUR,
      without: { pulse: 'audits', minutes: 2 * DAY + 70 },
      fired: ['audit-absent'],
    },
  ];

  for (const { what, minutes, series, fired, without } of scenarios) {
    it(`are raised by ${what}`, function () {
      this.timeout(120_000);
      const fed = series?.() ?? [];
      // A scenario has its own course of what a healthy deployment has too.
      const metrics = new Set(fed.map(metricOf));
      const healthy = pulses(minutes, without).filter((one) => !metrics.has(metricOf(one)));
      const expected = fired.map((one) => (typeof one === 'string' ? { name: one } : one));
      assert.equal(evaluate(rules, { series: [...healthy, ...fed], minutes, fired: expected }), '');
    });
  }

  it('are raised where a deployment does nothing at all, as far as they tell that something is absent', function () {
    this.timeout(120_000);
    const absent = rules
      .filter(({ query }) => query.includes('or vector(0)) < 1'))
      .map(({ name }) => ({ name }));
    assert.equal(absent.length, 7);
    assert.equal(evaluate(rules, { series: [], minutes: 2 * HOUR, fired: absent }), '');
  });

  it('are each raised by something here', () => {
    const raised = new Set(
      scenarios.flatMap(({ fired }) => fired.map((one) => (typeof one === 'string' ? one : one.name))),
    );
    assert.deepEqual([...raised].sort(), rules.map(({ name }) => name).sort());
  });
});
