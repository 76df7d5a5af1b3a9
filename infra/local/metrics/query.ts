import { readingsOf } from '../../../client/src/cli/readings.ts';
import type { DistributionName, LogMetrics } from './log-metrics.ts';

/** Messages that wait for a subscriber, and for how long the oldest has. */
export interface Backlog {
  readonly messages: number;
  readonly oldestSeconds: number;
}

export interface MetricSources {
  readonly logs: Pick<LogMetrics, 'increase' | 'quantile' | 'values'>;
  /** Tells what waits in a subscription, by its id; undefined where the emulator does not say. */
  readonly backlog: (subscription: string) => Promise<Backlog | undefined>;
  /** Running processes of each service. */
  readonly instances: () => ReadonlyMap<string, number>;
}

/** An instant vector: values by the value of their one label. */
type Vector = ReadonlyMap<string, number>;
interface Evaluation {
  readonly label: string;
  readonly of: () => Vector | Promise<Vector>;
}

/** The name that a deployment has by default. */
const NAME = 'fileshare';
const HOUR = 3_600_000;
/** Minutes of the readings of slots. */
const SLOTS_MINUTES = 10;
const NONE: Vector = new Map([['', 0]]);
const DEAD = ['finalized-dead-sweeper'];

/**
 * Answers the queries of `fileshare admin status`, and no other, as the HTTP API of Prometheus does.
 * @returns undefined for a query that is none of them
 */
export async function answerQuery(
  sources: MetricSources,
  query: string,
  now: number,
): Promise<object | undefined> {
  const reading = readingsOf(NAME).find((known) => known.query === query);
  const evaluation = reading && evaluationsOf(sources)[reading.name];
  if (!evaluation) return undefined;
  const { label, of } = evaluation;
  const values = await of();
  const isNone = values.size === 0 && query.endsWith(' or on() vector(0)');
  const result = [...(isNone ? NONE : values)].map(([key, value]) => ({
    metric: key === '' ? {} : { [label]: key },
    value: [now / 1000, String(value)],
  }));
  return { status: 'success', data: { resultType: 'vector', result } };
}

/** One for each name of a reading. */
function evaluationsOf({ logs, backlog, instances }: MetricSources): Readonly<Record<string, Evaluation>> {
  const single = (of: () => number | undefined | Promise<number | undefined>): Evaluation => ({
    label: '',
    of: async () => {
      const value = await of();
      return new Map(value === undefined ? [] : [['', value]]);
    },
  });
  const sum = (...[name, windowMs]: Parameters<typeof logs.increase>) =>
    single(() => [...logs.increase(name, windowMs).values()].reduce((total, count) => total + count, 0));
  const by = (label: string, ...[name, windowMs]: Parameters<typeof logs.increase>) => ({
    label,
    of: () => logs.increase(name, windowMs),
  });
  const quantile = (...asked: Parameters<typeof logs.quantile>) => single(() => logs.quantile(...asked));
  const milliseconds = (...asked: Parameters<typeof logs.quantile>) =>
    single(() => {
      const value = logs.quantile(...asked);
      return value === undefined ? undefined : value / 1000;
    });
  /** A value for each service from its lines, of which an instance writes one a minute. */
  const slots = (name: DistributionName, of: (values: readonly number[]) => number): Evaluation => ({
    label: 'service_name',
    of: () =>
      new Map(
        [...logs.values(name, SLOTS_MINUTES * 60_000)].map(([service, values]) => [
          `${NAME}-${service}`,
          of(values),
        ]),
      ),
  });
  const aMinute = (values: readonly number[]) =>
    values.reduce((total, value) => total + value, 0) / SLOTS_MINUTES;
  return {
    eventsWaiting: single(async () => (await backlog('finalized-scanner'))?.messages),
    oldestEventSeconds: single(async () => (await backlog('finalized-scanner'))?.oldestSeconds),
    oldestPendingSeconds: quantile(0.99, 'oldest_pending_seconds', HOUR / 4),
    verdicts: by('verdict', 'scans', HOUR),
    verdictSecondsMedian: quantile(0.5, 'verdict_seconds', HOUR),
    verdictSecondsSlow: quantile(0.95, 'verdict_seconds', HOUR),
    scanSecondsMedian: milliseconds(0.5, 'scan_milliseconds', HOUR),
    scanSecondsSlow: milliseconds(0.95, 'scan_milliseconds', HOUR),
    slotsUsed: slots('slots_used', aMinute),
    slotsFree: slots('slots_free', aMinute),
    slotsBusiest: slots('slots_used', (values) => Math.max(...values)),
    instances: { label: 'service_name', of: instances },
    rescansWaiting: single(async () => (await backlog('rescan-rescanner'))?.messages),
    rescanBehindSeconds: quantile(0.99, 'rescan_behind_seconds', 24 * HOUR),
    rescans: by('outcome', 'rescans', HOUR),
    rescanJobSeconds: quantile(0.99, 'rescan_job_seconds', 24 * HOUR),
    databases: by('database', 'by_database', HOUR),
    signatureAgeSeconds: quantile(0.99, 'signature_age_seconds', HOUR),
    deadLetters: single(async () => {
      const backlogs = await Promise.all(DEAD.map(backlog));
      return backlogs.some((each) => each === undefined)
        ? undefined
        : backlogs.reduce((total, each) => total + (each?.messages ?? 0), 0);
    }),
    failed: sum('failed', HOUR),
    notCompleted: sum('not_completed', HOUR),
    redriven: sum('redriven', HOUR),
    serverErrors: sum('serverErrors', HOUR),
    refused: sum('refused', HOUR),
    audits: sum('audits', 24 * HOUR),
    rulesBroken: by('rule', 'rules_broken', 24 * HOUR),
  };
}
