import { LogMetrics } from '../../../../infra/local/metrics/log-metrics.ts';
import type { MetricSources } from '../../../../infra/local/metrics/query.ts';

/** Nothing was measured. */
export const NO_METRICS: MetricSources = {
  logs: new LogMetrics(),
  backlog: async () => undefined,
  instances: () => new Map(),
};
