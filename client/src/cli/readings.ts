/** A number that operators look at, or several by a label. */
export interface Reading {
  /** Member of the report. */
  readonly name: string;
  readonly title: string;
  readonly unit: 'count' | 'mean' | 'seconds';
  /** PromQL, as the dashboard of the Terraform module asks. */
  readonly query: string;
}

/** Metrics of log lines are a minute or two behind: a shorter window would be half empty. */
const SLOTS_MINUTES = 10;

/** The value for each set of labels, which are joined by a comma; one value without a label has the key ''. */
export type Values = Readonly<Record<string, number>>;

/**
 * The readings of the deployment called `name`, as Cloud Monitoring's Prometheus API knows them. Metrics of log lines have the names
 * that the Terraform module gives them.
 */
export function readingsOf(name: string): readonly Reading[] {
  const user = `logging_googleapis_com:user_${name.replaceAll('-', '_')}`;
  const revision = 'monitored_resource="cloud_run_revision"';
  const run = 'run_googleapis_com';
  const service = `${revision},service_name=~"${name}-.+"`;
  const pubsub = 'pubsub_googleapis_com:subscription';
  const subscription = (match: string) =>
    `{monitored_resource="pubsub_subscription",subscription_id${match}}`;
  const increase = (metric: string, window: string) =>
    `sum(increase(${user}_${metric}{${revision}}[${window}])) or vector(0)`;
  /** Nothing that was counted is 0, without a label; a version that nobody used is not. */
  const orNone = ' or on() vector(0)';
  const increaseBy = (label: string, metric: string, window: string) =>
    `sum by (${label}) (increase(${user}_${metric}{${revision}}[${window}]))${orNone}`;
  const quantile = (share: number, metric: string, window: string) =>
    `histogram_quantile(${share}, sum by (le) (increase(${user}_${metric}_bucket{${revision}}[${window}])))`;
  const byService = (metric: string) =>
    `sum by (service_name) (increase(${user}_${metric}_sum{${revision}}[${SLOTS_MINUTES}m])) / ${SLOTS_MINUTES}`;
  const scanner = subscription(`="${name}-finalized-scanner"`);
  const rescanner = subscription(`="${name}-rescan-rescanner"`);
  const dead = subscription(`=~"${name}-.+-dead(-sweeper)?"`);
  const count = { unit: 'count' } as const;
  const mean = { unit: 'mean' } as const;
  const seconds = { unit: 'seconds' } as const;
  return [
    {
      name: 'eventsWaiting',
      title: 'Events waiting for the scanner',
      ...count,
      query: `max(${pubsub}_num_undelivered_messages${scanner})`,
    },
    {
      name: 'oldestEventSeconds',
      title: 'Age of the oldest waiting event',
      ...seconds,
      query: `max(${pubsub}_oldest_unacked_message_age${scanner})`,
    },
    {
      name: 'oldestPendingSeconds',
      title: 'Age of the oldest pending file, at the last sweep',
      ...seconds,
      query: quantile(0.99, 'oldest_pending_seconds', '15m'),
    },
    {
      name: 'verdicts',
      title: 'Verdicts in the last hour',
      ...count,
      query: increaseBy('verdict', 'scans', '1h'),
    },
    {
      name: 'verdictSecondsMedian',
      title: 'Upload to verdict, p50',
      ...seconds,
      query: quantile(0.5, 'verdict_seconds', '1h'),
    },
    {
      name: 'verdictSecondsSlow',
      title: 'Upload to verdict, p95',
      ...seconds,
      query: quantile(0.95, 'verdict_seconds', '1h'),
    },
    {
      name: 'scanSecondsMedian',
      title: 'Scan time, p50',
      ...seconds,
      query: `${quantile(0.5, 'scan_milliseconds', '1h')} / 1000`,
    },
    {
      name: 'scanSecondsSlow',
      title: 'Scan time, p95',
      ...seconds,
      query: `${quantile(0.95, 'scan_milliseconds', '1h')} / 1000`,
    },
    {
      name: 'slotsUsed',
      title: 'Scan slots in use, 10-minute mean',
      ...mean,
      query: `${byService('slots_used')}${orNone}`,
    },
    {
      name: 'slotsFree',
      title: 'Free scan slots in instances that scan',
      ...mean,
      query: byService('slots_free'),
    },
    {
      name: 'slotsBusiest',
      title: 'Scan slots in use per instance, busiest minute',
      ...mean,
      query: `histogram_quantile(1, sum by (service_name, le) (increase(${user}_slots_used_bucket{${revision}}[${SLOTS_MINUTES}m])))${orNone}`,
    },
    {
      name: 'instances',
      title: 'Instances',
      ...count,
      query: `sum by (service_name) (${run}:container_instance_count{${service}})`,
    },
    {
      name: 'rescansWaiting',
      title: 'Waiting re-scans',
      ...count,
      query: `max(${pubsub}_num_undelivered_messages${rescanner})`,
    },
    {
      name: 'rescanBehindSeconds',
      title: 'Age of the oldest content due for a re-scan',
      ...seconds,
      query: quantile(0.99, 'rescan_behind_seconds', '1d'),
    },
    {
      name: 'rescans',
      title: 'Re-scans in the last hour',
      ...count,
      query: increaseBy('outcome', 'rescans', '1h'),
    },
    {
      name: 'rescanJobSeconds',
      title: 'Age of the oldest re-scan job',
      ...seconds,
      query: quantile(0.99, 'rescan_job_seconds', '1d'),
    },
    {
      name: 'databases',
      title: 'Verdicts in the last hour, by signature version',
      ...count,
      query: `sum by (database) (increase(${user}_by_database{${revision}}[1h]))`,
    },
    {
      name: 'signatureAgeSeconds',
      title: 'Age of the signatures',
      ...seconds,
      query: quantile(0.99, 'signature_age_seconds', '1h'),
    },
    {
      name: 'deadLetters',
      title: 'Dead letters',
      ...count,
      query: `sum(${pubsub}_num_undelivered_messages${dead})`,
    },
    {
      name: 'failed',
      title: 'Failed files in the last hour',
      ...count,
      query: increase('failed', '1h'),
    },
    {
      name: 'notCompleted',
      title: 'Scans not completed in the last hour',
      ...count,
      query: increase('not_completed', '1h'),
    },
    {
      name: 'redriven',
      title: 'Files redriven in the last hour',
      ...count,
      query: increase('redriven', '1h'),
    },
    {
      name: 'serverErrors',
      title: 'Server errors in the last hour',
      ...count,
      query: `sum(increase(${run}:request_count{${service},response_code_class="5xx"}[1h])) or vector(0)`,
    },
    {
      name: 'refused',
      title: 'Requests that no instance took in the last hour',
      ...count,
      query: increase('refused', '1h'),
    },
    { name: 'audits', title: 'Audits in the last day', ...count, query: increase('audits', '1d') },
    {
      name: 'rulesBroken',
      title: 'Broken rules found in the last day',
      ...count,
      query: increaseBy('rule', 'rules_broken', '1d'),
    },
  ];
}

/** `{"status": "success", …}` of the HTTP API of Prometheus, for an instant vector. */
interface Answer {
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly value: readonly [number, string];
    }[];
  };
}

/** Has a query answered by `GET /api/v1/query`; undefined where nobody has measured that. */
export async function readValues(
  { query }: Reading,
  ask: (path: string) => Promise<Response>,
): Promise<Values | undefined> {
  const { data } = (await (await ask(`/api/v1/query?${new URLSearchParams({ query })}`)).json()) as Answer;
  const values = data.result
    .map(({ metric, value }): [string, number] => [Object.values(metric).join(', '), Number(value[1])])
    .filter(([, value]) => !Number.isNaN(value));
  return values.length === 0
    ? undefined
    : Object.fromEntries(values.sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** `12`, `clean 10, infected 2` or `3.1 s`; `no data` is another thing than 0. */
export function formatValues({ unit }: Reading, values: Values | undefined): string {
  if (values === undefined) return 'no data';
  return Object.entries(values)
    .map(([label, value]) => {
      const text = FORMATS[unit](value);
      return label === '' ? text : `${label} ${text}`;
    })
    .join(', ');
}

const FORMATS: Readonly<Record<Reading['unit'], (value: number) => string>> = {
  count: (value) => String(Math.round(value)),
  mean: (value) => String(Number(value.toFixed(1))),
  seconds: duration,
};

function duration(seconds: number): string {
  if (seconds < 120) return `${Number(seconds.toPrecision(2))} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}
