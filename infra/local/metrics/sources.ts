import deployment from '../deployment.json' with { type: 'json' };
import type { Supervised } from '../processes/supervisor.ts';
import { backlogOf } from './backlogs.ts';
import type { LogMetrics } from './log-metrics.ts';
import type { MetricSources } from './query.ts';

interface Measured {
  readonly logs: LogMetrics;
  readonly pubsubHost: string;
  readonly storageUrl: string;
  readonly children: readonly Supervised[];
}

/** Sources of the metrics of the local platform. Services have the names that they have in a deployment. */
export function metricSources({ logs, pubsubHost, storageUrl, children }: Measured): MetricSources {
  return {
    logs,
    backlog: (subscription) => backlogOf({ pubsubHost, storageUrl }, subscription),
    instances: () => {
      const functions = children.filter(({ name }) => Object.hasOwn(deployment.services, name));
      return new Map(
        functions.map((child) => [`fileshare-${child.name}`, child.status().state === 'ready' ? 1 : 0]),
      );
    },
  };
}
