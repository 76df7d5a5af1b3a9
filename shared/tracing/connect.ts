import type { Logger } from '../runtime/log.ts';
import { type Tracing, UNTRACED } from './tracing.ts';

export interface TracingConfig {
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
  readonly GOOGLE_CLOUD_PROJECT: string;
  readonly K_SERVICE?: string | undefined;
  readonly K_REVISION?: string | undefined;
}

/**
 * The tracing of a process, which nothing is loaded for where no endpoint is configured. A function whose spans cannot be
 * exported works as one without.
 */
export async function openTracing(service: string, config: TracingConfig, log: Logger): Promise<Tracing> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, GOOGLE_CLOUD_PROJECT: project } = config;
  if (endpoint === undefined) return UNTRACED;
  try {
    const { connectTracing } = await import('./otlp.ts');
    const { K_SERVICE: name, K_REVISION: version } = config;
    const google = name && { 'cloud.provider': 'gcp', 'cloud.platform': 'gcp_cloud_run' };
    const resource = {
      'service.name': service,
      'service.namespace': 'hops-fileshare',
      'gcp.project_id': project,
      'faas.name': name ?? service,
      'faas.version': version,
      ...google,
    };
    const failed = (reason: string, waiting: number) => log.warn({ reason, waiting }, 'spans not exported');
    return connectTracing({ endpoint, resource, failed });
  } catch (err) {
    log.error({ err }, 'tracing not available');
    return UNTRACED;
  }
}
