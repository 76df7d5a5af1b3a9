import { http } from '@google-cloud/functions-framework';
import { drainOnSignals } from '../../shared/framework/drain.ts';
import type { Audit } from '../../shared/http/audit.ts';
import { Problem } from '../../shared/http/problems.ts';
import { sendJson } from '../../shared/http/respond.ts';
import { httpService, type RequestContext } from '../../shared/http/service.ts';
import type { Logger } from '../../shared/runtime/log.ts';
import type { Tracing } from '../../shared/tracing/tracing.ts';

interface ScheduledService {
  readonly name: string;
  /** The one path that is served, by POST. */
  readonly path: string;
  readonly action: Audit['action'];
  readonly config: { readonly GOOGLE_CLOUD_PROJECT: string; readonly REQUEST_TIMEOUT_SECONDS: number };
  readonly log: Logger;
  readonly tracing: Tracing;
  /** Does the work of one call. The answer is its report. */
  readonly run: (context: RequestContext) => Promise<object>;
}

/** Serves what Cloud Scheduler calls, and nobody else: IAM lets in no other caller. */
export function serveSchedule({ name, path, action, config, log, tracing, run }: ScheduledService): void {
  drainOnSignals(log, () => tracing.flush());
  http(
    name,
    httpService({
      log,
      tracing,
      project: config.GOOGLE_CLOUD_PROJECT,
      filesUrl: undefined,
      requestTimeoutSeconds: config.REQUEST_TIMEOUT_SECONDS,
      handler: async (context) => {
        if (context.path !== path) throw new Problem('not-found');
        if (context.request.method !== 'POST')
          throw new Problem('method-not-allowed', { headers: { allow: 'POST' } });
        context.audit.action = action;
        sendJson(context.response, 200, 'application/json', await run(context));
      },
    }),
  );
}
