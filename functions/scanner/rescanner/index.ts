import type { IncomingMessage } from 'node:http';
import { http } from '@google-cloud/functions-framework';
import * as v from 'valibot';
import { watchDeployment, watchVariables } from '../../../shared/deployment/connect.ts';
import { addressed, type EventMessage } from '../../../shared/events/cloud-event.ts';
import { createPublisher } from '../../../shared/events/publisher.ts';
import { parseRescanRequest, type RescanRequest } from '../../../shared/events/rescan-request.ts';
import { Findings } from '../../../shared/files/findings.ts';
import { drainOnSignals, isDraining, shutdownSignal } from '../../../shared/framework/drain.ts';
import { Problem, unavailable } from '../../../shared/http/problems.ts';
import { httpService, type RequestContext } from '../../../shared/http/service.ts';
import {
  bucketName,
  commonVariables,
  flag,
  nonEmpty,
  readConfig,
  requiredFilesUrl,
} from '../../../shared/runtime/config.ts';
import { createLog, type Logger } from '../../../shared/runtime/log.ts';
import { ScanFault } from '../../../shared/scanning/verdict.ts';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import { openTracing } from '../../../shared/tracing/connect.ts';
import { startProcessing } from '../../../shared/tracing/delivery.ts';
import type { Span } from '../../../shared/tracing/tracing.ts';
import { refuseOthers } from '../deployment-gate.ts';
import { composeEngine, engineVariables } from '../engine.ts';
import type { Outcome } from '../outcome.ts';
import { BlobNotes } from './blob-notes.ts';
import { rescan } from './rescan.ts';
import type { RescanContext } from './rescan-context.ts';

const config = readConfig(
  {
    ...commonVariables,
    ...watchVariables,
    QUARANTINE_BUCKET: v.optional(bucketName),
    SCAN_EVENTS_TOPIC: nonEmpty,
    FILES_URL: requiredFilesUrl,
    ORDERED_EVENTS: v.optional(flag, 'false'),
    ...engineVariables,
  },
  process.env,
);
const log = createLog('rescanner', config.LOG_LEVEL);
const tracing = await openTracing('rescanner', config, log);
const storage = connectStorage(config.STORAGE_EMULATOR_HOST, config.EMULATOR_CREDENTIALS);
const limits = { timeoutMs: config.STORAGE_TIMEOUT_SECONDS * 1000, paced: true };
const permanent = new Bucket(storage, config.PERMANENT_BUCKET, limits);
const deployment = watchDeployment(config, storage, log);
const events = createPublisher(config.GOOGLE_CLOUD_PROJECT, config.SCAN_EVENTS_TOPIC, {
  ordered: config.ORDERED_EVENTS,
  emulatorCredentials: config.EMULATOR_CREDENTIALS,
  tracing,
});
const clamav = composeEngine(config, log);
const context: RescanContext = {
  ...clamav,
  permanent,
  quarantine: config.QUARANTINE_BUCKET ? new Bucket(storage, config.QUARANTINE_BUCKET, limits) : undefined,
  notes: new BlobNotes(permanent),
  findings: new Findings(permanent),
  publish: addressed(events.publish, config.FILES_URL),
  log,
};

drainOnSignals(log, async () => {
  await Promise.all([events.close(), tracing.flush()]);
});
http(
  'rescanner',
  httpService({
    log,
    tracing,
    pushed: true,
    project: config.GOOGLE_CLOUD_PROJECT,
    filesUrl: config.FILES_URL,
    requestTimeoutSeconds: config.REQUEST_TIMEOUT_SECONDS,
    handler,
    ready: async () => {
      await clamav.engine.fit();
    },
  }),
);

async function handler({ request, response, log, audit, span: pushed }: RequestContext): Promise<void> {
  audit.action = 'rescan';
  if (request.method !== 'POST') throw new Problem('method-not-allowed', { headers: { allow: 'POST' } });
  if (isDraining()) throw unavailable('this instance is shutting down', 1);
  const refused = await refuseOthers(deployment);
  if (refused) throw unavailable(refused.why, refused.retryAfterSeconds);
  const { body } = request as IncomingMessage & { body?: unknown };
  const order = parseRescanRequest(body);
  if (!order) log.warn('invalid re-scan request');
  const span = startProcessing(tracing, body, { about: undefined, request: pushed.traceparent });
  const outcome = order ? await rescanned(order, log, span) : undefined;
  span.end(outcome?.kind === 'later' ? outcome.kind : undefined);
  if (outcome?.kind === 'later') throw unavailable(outcome.why, outcome.retryAfterSeconds);
  response.writeHead(204).end();
}

/** A re-scan and the request that started it. */
interface Rescanning {
  readonly order: RescanRequest;
  readonly outcome: Promise<Outcome>;
}

const inProgress = new Map<string, Rescanning>();

/**
 * Concurrent requests for one content in this process share one scan. A later one that asks for more is redelivered.
 */
async function rescanned(order: RescanRequest, log: Logger, span: Span): Promise<Outcome> {
  const key = `${order.name}#${order.generation}`;
  const running = inProgress.get(key);
  if (running) {
    const { dueAt, quarantined } = running.order;
    if (order.dueAt <= dueAt && order.quarantined === quarantined) return running.outcome;
    return { kind: 'later', why: 'an earlier request for it is not over', retryAfterSeconds: 1 };
  }
  const publish = (event: EventMessage) => context.publish(event, span);
  const outcome = rescan({ ...context, log, publish }, order, shutdownSignal)
    .catch((error: unknown): Outcome => notCompleted(error, order, log))
    .finally(() => inProgress.delete(key));
  inProgress.set(key, { order, outcome });
  return outcome;
}

/** The content is kept in each case, and the request redelivered. */
function notCompleted(error: unknown, { name }: RescanRequest, log: Logger): Outcome {
  const unfit = error instanceof ScanFault && error.code === 'unfit';
  // docs/operations.md names the alerts by these messages.
  if (unfit) log.error({ reason: error.message, blob: name }, 'engine unfit, re-scans wait');
  else log.error({ err: error, blob: name }, 're-scan not completed');
  return { kind: 'later', why: 'the scan could not be completed', retryAfterSeconds: unfit ? 10 : 1 };
}
