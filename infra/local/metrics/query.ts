import { readingsOf } from '../../../client/src/cli/readings.ts';
import type { LogMetrics } from './log-metrics.ts';

/** Messages that wait for a subscriber, and for how long the oldest has. */
export interface Backlog {
  readonly messages: number;
  readonly oldestSeconds: number;
}

export interface MetricSources {
  readonly logs: Pick<LogMetrics, 'increase' | 'quantile'>;
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
  const result = [...(await of())].map(([key, value]) => ({
    metric: label === '' ? {} : { [label]: key },
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
  return {
    eventsWaiting: single(async () => (await backlog('finalized-scanner'))?.messages),
    oldestEventSeconds: single(async () => (await backlog('finalized-scanner'))?.oldestSeconds),
    oldestPendingSeconds: quantile(0.99, 'oldest_pending_seconds', HOUR / 4),
    verdicts: by('verdict', 'scans', HOUR),
    verdictSecondsMedian: quantile(0.5, 'verdict_seconds', HOUR),
    verdictSecondsSlow: quantile(0.95, 'verdict_seconds', HOUR),
    rescansWaiting: single(async () => (await backlog('rescan-rescanner'))?.messages),
    rescanBehindSeconds: quantile(0.99, 'rescan_behind_seconds', 24 * HOUR),
    rescans: by('outcome', 'rescans', HOUR),
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
    instances: { label: 'service_name', of: instances },
    audits: sum('audits', 24 * HOUR),
    rulesBroken: by('rule', 'rules_broken', 24 * HOUR),
  };
}
