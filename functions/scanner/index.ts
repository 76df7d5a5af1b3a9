import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { http } from '@google-cloud/functions-framework';
import * as v from 'valibot';
import { watchDeployment, watchVariables } from '../../shared/deployment/connect.ts';
import { addressed, type EventMessage } from '../../shared/events/cloud-event.ts';
import { parseFinalized } from '../../shared/events/finalized.ts';
import { createPublisher } from '../../shared/events/publisher.ts';
import { Blobs } from '../../shared/files/blobs.ts';
import { Candidates } from '../../shared/files/candidates.ts';
import { parseFileId } from '../../shared/files/file-id.ts';
import { Findings } from '../../shared/files/findings.ts';
import { Records } from '../../shared/files/records.ts';
import { drainOnSignals, isDraining, shutdownSignal } from '../../shared/framework/drain.ts';
import { Problem, unavailable } from '../../shared/http/problems.ts';
import { httpService, type RequestContext } from '../../shared/http/service.ts';
import { Background } from '../../shared/runtime/background.ts';
import {
  bucketName,
  commonVariables,
  deduplicationScope,
  flag,
  integer,
  listOf,
  nonEmpty,
  readConfig,
  requiredFilesUrl,
} from '../../shared/runtime/config.ts';
import { createLog, type Logger } from '../../shared/runtime/log.ts';
import { type Traceparent, traceFields } from '../../shared/runtime/trace.ts';
import { CLAMAV_MAX_BYTES } from '../../shared/scanning/clamd.ts';
import { ScanFault, type UnscannableReason } from '../../shared/scanning/verdict.ts';
import { Bucket } from '../../shared/storage/bucket.ts';
import { connectStorage } from '../../shared/storage/connect.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { openTracing } from '../../shared/tracing/connect.ts';
import { refuseOthers } from './deployment-gate.ts';
import { EarlyReads } from './early-reads.ts';
import { composeEngine, engineVariables } from './engine.ts';
import type { Outcome } from './outcome.ts';
import { scanFinalized } from './scan.ts';
import type { ScanContext } from './scan-context.ts';
import { type Pushed, TracedDelivery } from './traced-delivery.ts';

/** Reasons for which a policy may accept a file: its bytes were scanned as far as ClamAV can. */
const ACCEPTABLE: readonly UnscannableReason[] = ['encrypted', 'limitExceeded', 'unsupported', 'malformed'];

/** Bytes: with a round trip of 40 ms, smaller files take longer to fetch than to scan. */
const SMALL_BYTES = 256 * 1024;
/** Bytes of small files that may wait for a slot. */
const EARLY_BYTES = 16 * 1024 * 1024;
const config = readConfig(
  {
    ...commonVariables,
    ...watchVariables,
    UNSCANNED_BUCKET: bucketName,
    QUARANTINE_BUCKET: v.optional(bucketName),
    SCAN_EVENTS_TOPIC: nonEmpty,
    FILES_URL: requiredFilesUrl,
    ORDERED_EVENTS: v.optional(flag, 'false'),
    DEDUPLICATE: deduplicationScope,
    ...engineVariables,
    ACCEPT_UNSCANNABLE: v.optional(listOf(ACCEPTABLE), ''),
    LEASE_ABOVE_BYTES: v.optional(integer(0, CLAMAV_MAX_BYTES), '268435456'),
    VERDICT_MAX_AGE_SECONDS: v.optional(integer(0, 31_536_000), '86400'),
  },
  process.env,
);
const log = createLog('scanner', config.LOG_LEVEL);
const tracing = await openTracing('scanner', config, log);
const storage = connectStorage(config.STORAGE_EMULATOR_HOST, config.EMULATOR_CREDENTIALS);
const limits = { timeoutMs: config.STORAGE_TIMEOUT_SECONDS * 1000, paced: true };
const permanent = new Bucket(storage, config.PERMANENT_BUCKET, limits);
const unscanned = new Bucket(storage, config.UNSCANNED_BUCKET, limits);
const deployment = watchDeployment(config, storage, log);
const events = createPublisher(config.GOOGLE_CLOUD_PROJECT, config.SCAN_EVENTS_TOPIC, {
  ordered: config.ORDERED_EVENTS,
  emulatorCredentials: config.EMULATOR_CREDENTIALS,
  tracing,
});
const now = () => new Date();
const clamav = composeEngine(config, log);
const { engine } = clamav;
const background = new Background(log);
const blobs = new Blobs(permanent, { deduplicate: config.DEDUPLICATE, now });
const findings = new Findings(permanent);
const scan: ScanContext = {
  ...clamav,
  early: new EarlyReads({
    unscanned,
    blobs,
    findings,
    engine,
    smallBytes: SMALL_BYTES,
    totalBytes: EARLY_BYTES,
  }),
  background,
  records: new Records(permanent),
  candidates: new Candidates(permanent),
  blobs,
  findings,
  unscanned,
  quarantine: config.QUARANTINE_BUCKET ? new Bucket(storage, config.QUARANTINE_BUCKET, limits) : undefined,
  publish: addressed(events.publish, config.FILES_URL),
  accepts: new Set(config.ACCEPT_UNSCANNABLE),
  verdictMaxAgeMs: config.VERDICT_MAX_AGE_SECONDS * 1000,
  lease: {
    // Windows may take longer than an event waits for its response.
    aboveBytes: Math.min(config.LEASE_ABOVE_BYTES, config.MAX_SCAN_BYTES + 1),
    durationMs: 60_000,
    holder: randomUUID(),
    now,
  },
  now,
  log,
};

drainOnSignals(log, async () => {
  await Promise.all([background.ended(), events.close(), tracing.flush()]);
});
http(
  'scanner',
  httpService({
    log,
    tracing,
    pushed: true,
    project: config.GOOGLE_CLOUD_PROJECT,
    filesUrl: config.FILES_URL,
    requestTimeoutSeconds: config.REQUEST_TIMEOUT_SECONDS,
    handler,
    ready: async () => {
      await engine.fit();
    },
  }),
);

async function handler({ request, response, audit, span }: RequestContext): Promise<void> {
  audit.action = 'scan';
  if (request.method !== 'POST') throw new Problem('method-not-allowed', { headers: { allow: 'POST' } });
  if (isDraining()) throw unavailable('this instance is shutting down', 1);
  const refused = await refuseOthers(deployment);
  if (refused) throw unavailable(refused.why, refused.retryAfterSeconds);
  const { body } = request as IncomingMessage & { body?: unknown };
  const event = parseFinalized(request.headers, body);
  const fileId = event.kind === 'finalized' ? parseFileId(event.object.name) : undefined;
  if (fileId) audit.fileId = fileId;
  const delivery = { body, request: span.traceparent, startedAt: now() };
  const outcome = event.kind === 'finalized' ? await scanned(event.object, delivery) : foreign(event.why);
  if (outcome.kind === 'later') throw unavailable(outcome.why, outcome.retryAfterSeconds);
  response.writeHead(204).end();
}

/** A scan and the delivery that started it. */
interface Scanning {
  readonly delivery: TracedDelivery;
  readonly outcome: Promise<Outcome>;
}

const inProgress = new Map<string, Scanning>();

/** Concurrent deliveries of one event in this process share one scan. */
async function scanned(object: StoredObject, pushed: Pushed): Promise<Outcome> {
  if (object.bucket !== config.UNSCANNED_BUCKET) return foreign(`bucket ${object.bucket}`);
  const key = `${object.name}#${object.generation}`;
  const running = inProgress.get(key);
  if (running) return running.delivery.joined(pushed, object, running.outcome);
  // Concurrently with reading the bytes. A failure surfaces when something is published.
  events.load().catch(() => undefined);
  // Not the delivery's own signal: if one delivery stops waiting, the scan continues for the others.
  const delivery = new TracedDelivery(tracing, pushed);
  let lines: Logger = log;
  const follow = (about: Traceparent) => {
    const span = delivery.begin(about);
    lines = log.child(traceFields(span.traceparent, config.GOOGLE_CLOUD_PROJECT));
    return { log: lines, span, publish: (event: EventMessage) => scan.publish(event, span) };
  };
  const outcome = scanFinalized(scan, object, shutdownSignal, follow)
    .catch((error: unknown): Outcome => notCompleted(error, object, lines))
    .finally(() => inProgress.delete(key));
  inProgress.set(key, { delivery, outcome });
  return delivery.ended(object, await outcome);
}

function foreign(why: string): Outcome {
  log.warn({ why }, 'event is not ours');
  return { kind: 'done' };
}

/** The file is kept in each case and its event redelivered; a permanent failure is dead-lettered. */
function notCompleted(error: unknown, object: StoredObject, log: Logger): Outcome {
  const unfit = error instanceof ScanFault && error.code === 'unfit';
  // docs/operations.md names the alerts by these messages.
  if (unfit) log.error({ reason: error.message, fileId: object.name }, 'engine unfit, files wait');
  else log.error({ err: error, fileId: object.name }, 'scan not completed');
  return { kind: 'later', why: 'the scan could not be completed', retryAfterSeconds: unfit ? 10 : 1 };
}
