import { http } from '@google-cloud/functions-framework';
import { addressed } from '../../shared/events/cloud-event.ts';
import { createPublisher } from '../../shared/events/publisher.ts';
import { Blobs } from '../../shared/files/blobs.ts';
import { Candidates } from '../../shared/files/candidates.ts';
import { Findings } from '../../shared/files/findings.ts';
import { Receipts } from '../../shared/files/receipts.ts';
import { Records } from '../../shared/files/records.ts';
import { References } from '../../shared/files/references.ts';
import { SharedFiles } from '../../shared/files/shared-files.ts';
import { drainOnSignals, isDraining } from '../../shared/framework/drain.ts';
import { streamBodies } from '../../shared/framework/framing.ts';
import { jsonOf } from '../../shared/http/body.ts';
import { Problem } from '../../shared/http/problems.ts';
import { requireKnown } from '../../shared/http/query.ts';
import { sendJson } from '../../shared/http/respond.ts';
import { httpService, type RequestContext } from '../../shared/http/service.ts';
import { readConfig } from '../../shared/runtime/config.ts';
import { createLog } from '../../shared/runtime/log.ts';
import { signingKey } from '../../shared/signing/connect.ts';
import { StatementSigner } from '../../shared/signing/signer.ts';
import { Bucket } from '../../shared/storage/bucket.ts';
import { connectKms, connectStorage } from '../../shared/storage/connect.ts';
import { openTracing } from '../../shared/tracing/connect.ts';
import { admitCaller } from './callers.ts';
import { collect } from './collect.ts';
import type { CollectorDeps } from './collector.ts';
import { sweeperVariables } from './config.ts';
import { deadLettered } from './dead-letter.ts';
import { ADOPT } from './deployment/answer.ts';
import { requireOurs } from './deployment/deployment.ts';
import { Archive } from './exporter/archive.ts';
import { operatorRoutes } from './operators.ts';
import { type RecallDeps, recall } from './recall.ts';
import { releaseFoundClean } from './release-clean.ts';
import { type RescanDeps, requestRescans } from './rescan.ts';
import { RescanBudget } from './rescan-budget.ts';
import { RescanJobs } from './rescan-jobs/jobs.ts';
import { type JobDeps, workOnJobs } from './rescan-jobs/work.ts';
import { type Call, type Methods, routeFor } from './routes.ts';
import { sweep } from './sweep.ts';
import type { SweeperDeps } from './sweeper.ts';
import { within } from './within.ts';

/** Each is less than half a kilobyte in memory. */
const CANDIDATES_PER_CYCLE = 50_000;
const MAX_ORDER_BYTES = 1_048_576;
/** Paths whose body is a list of a million lines, which is not to be in memory as text. */
const LISTS: ReadonlySet<string> = new Set(['/hunt', '/owner/attest']);

const config = readConfig(sweeperVariables, process.env);
const log = createLog('sweeper', config.LOG_LEVEL);
const tracing = await openTracing('sweeper', config, log);
const storage = connectStorage(config.STORAGE_EMULATOR_HOST, config.EMULATOR_CREDENTIALS);
const limits = { timeoutMs: config.STORAGE_TIMEOUT_SECONDS * 1000, paced: true };
const permanent = new Bucket(storage, config.PERMANENT_BUCKET, limits);
const publisher = (topic: string, ordered = false) =>
  createPublisher(config.GOOGLE_CLOUD_PROJECT, topic, {
    ordered,
    emulatorCredentials: config.EMULATOR_CREDENTIALS,
    tracing,
  });
const events = publisher(config.SCAN_EVENTS_TOPIC, config.ORDERED_EVENTS);
const notifications = publisher(config.FINALIZE_TOPIC);
const rescans = publisher(config.RESCAN_TOPIC);
const budgetMs = config.SWEEP_BUDGET_SECONDS * 1000;

const sweeper: SweeperDeps = {
  unscanned: new Bucket(storage, config.UNSCANNED_BUCKET, limits),
  permanent,
  records: new Records(permanent),
  findings: new Findings(permanent),
  shared: new SharedFiles(permanent),
  publish: addressed(events.publish, config.FILES_URL),
  redeliver: notifications.publish,
  stuckAfterMs: config.STUCK_AFTER_SECONDS * 1000,
  abandonedAfterMs: config.ABANDONED_AFTER_SECONDS * 1000,
  maxRedrives: config.MAX_REDRIVES,
  redrivesPerSweep: config.REDRIVES_PER_SWEEP,
  now: () => new Date(),
  log,
};

const unreferencedAfterSeconds = config.COLLECT_UNREFERENCED_AFTER_SECONDS;
const collector: CollectorDeps = {
  references: new References(permanent),
  ...sweeper,
  candidates: new Candidates(permanent),
  unreferencedAfterMs: unreferencedAfterSeconds === undefined ? undefined : unreferencedAfterSeconds * 1000,
  blobGraceMs: config.COLLECT_BLOB_GRACE_SECONDS * 1000,
  tombstoneMs: config.TOMBSTONE_DAYS * 86_400_000,
  candidatesPerCycle: CANDIDATES_PER_CYCLE,
};

const recaller: RecallDeps & CollectorDeps = {
  ...collector,
  receipts: new Receipts(permanent),
  blobs: new Blobs(permanent, { deduplicate: config.DEDUPLICATE }),
  quarantine: config.QUARANTINE_BUCKET ? new Bucket(storage, config.QUARANTINE_BUCKET, limits) : undefined,
};

const perDay = { filesPerDay: config.RESCAN_FILES_PER_DAY, bytesPerDay: config.RESCAN_BYTES_PER_DAY };
const rescanner: RescanDeps & JobDeps = {
  ...recaller,
  request: rescans.publish,
  afterDays: config.RESCAN_AFTER_DAYS,
  everyDays: config.RESCAN_EVERY_DAYS,
  budget: new RescanBudget({ ...sweeper, ...perDay }),
  jobs: new RescanJobs(permanent),
};

const deployment = { permanent, deployment: config.DEPLOYMENT, now: sweeper.now, log };
const exported = config.EXPORT_BUCKET ? new Bucket(storage, config.EXPORT_BUCKET, limits) : undefined;
const key = config.VERDICT_KEY;
const callers = { deadLetters: config.DEAD_LETTER_CALLER, schedule: config.SCHEDULE_CALLER };

const ROUTES: Readonly<Record<string, Methods>> = {
  '/sweep': { POST: postSweep },
  '/collect': { POST: postCollect },
  '/rescan': { POST: postRescan },
  '/dead-letters': { POST: postDeadLetter },
  ...operatorRoutes({
    ...recaller,
    needsSecond: config.RELEASE_NEEDS_SECOND,
    request: rescans.publish,
    redriveBudgetMs: budgetMs,
    huntBudgetMs: config.HUNT_BUDGET_SECONDS * 1000,
    rescans: perDay,
    deployment: config.DEPLOYMENT,
    owners: {
      eraseBudgetMs: config.RESTORE_BUDGET_SECONDS * 1000,
      signer: key === undefined ? undefined : new StatementSigner(signingKey(key, { ...limits, connectKms })),
      filesUrl: config.FILES_URL,
    },
    recovery: {
      archive: exported && new Archive(exported),
      restoreBudgetMs: config.RESTORE_BUDGET_SECONDS * 1000,
    },
  }),
};

streamBodies(() => true);
drainOnSignals(log, async () => {
  await Promise.all([events.close(), notifications.close(), rescans.close(), tracing.flush()]);
});
http(
  'sweeper',
  httpService({
    log,
    tracing,
    project: config.GOOGLE_CLOUD_PROJECT,
    filesUrl: config.FILES_URL,
    requestTimeoutSeconds: config.REQUEST_TIMEOUT_SECONDS,
    handler,
  }),
);

/** Query parameters of routes that have any. */
const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  '/hunt': ['estimate', 'from', 'condemn'],
  '/quarantine': ['after'],
  '/quarantine/content': ['name'],
  '/rescans': ['job'],
};

async function handler(context: RequestContext): Promise<void> {
  const { request, path, query } = context;
  const methods = Object.hasOwn(ROUTES, path) ? ROUTES[path] : undefined;
  if (!methods) throw new Problem('not-found');
  const by = admitCaller(request.headers, path, callers);
  const route = routeFor(methods, request.method);
  requireKnown(query, Object.hasOwn(PARAMETERS, path) ? PARAMETERS[path] : []);
  if (path !== ADOPT) await requireOurs(within(deployment, context));
  await route(context, { body: LISTS.has(path) ? undefined : await bodyAt(context), by });
}

async function bodyAt({ request, response, path }: RequestContext): Promise<unknown> {
  try {
    return await jsonOf(request, response, MAX_ORDER_BYTES, null);
  } catch (error) {
    // Pub/Sub would send it again and again, and no notification of ours looks so.
    if (path === '/dead-letters' && error instanceof Problem && error.type === 'invalid-request') return null;
    throw error;
  }
}

async function postSweep(context: RequestContext): Promise<void> {
  const { response, log, audit } = context;
  audit.action = 'sweep';
  const terms = { budgetMs, stopping: isDraining };
  // Files that wait for a verdict must not wait for a recall that fails each time.
  const [recalls] = await Promise.allSettled([recall(within(recaller, context), terms)]);
  const swept = await sweep(within(sweeper, context), terms);
  if (recalls.status === 'rejected') throw recalls.reason;
  const report = { ...swept, recalls: recalls.value };
  log.info(report, 'sweep completed');
  sendJson(response, 200, 'application/json', report);
}

async function postCollect(context: RequestContext): Promise<void> {
  const { response, log, audit } = context;
  audit.action = 'collect';
  const terms = { budgetMs: config.COLLECT_BUDGET_SECONDS * 1000, stopping: isDraining };
  const report = await collect(within(collector, context), terms);
  log.info(report, 'collect completed');
  sendJson(response, 200, 'application/json', report);
}

async function postRescan(context: RequestContext): Promise<void> {
  const { response, log, audit } = context;
  audit.action = 'rescan';
  const begun = performance.now();
  const budgetMs = config.RESCAN_BUDGET_SECONDS * 1000;
  // Jobs of operators come before contents that are due. A job that fails each time must not keep that waiting.
  const [jobs] = await Promise.allSettled([
    workOnJobs(within(rescanner, context), { budgetMs, stopping: isDraining }),
  ]);
  const left = budgetMs - (performance.now() - begun);
  const due = await requestRescans(within(rescanner, context), { budgetMs: left, stopping: isDraining });
  if (jobs.status === 'rejected') throw jobs.reason;
  const found = config.CLEAN_IN_QUARANTINE === 'release' && {
    quarantine: await releaseFoundClean({ ...sweeper, log, needsSecond: config.RELEASE_NEEDS_SECOND }),
  };
  const report = { ...due, jobs: jobs.value, ...found };
  log.info(report, 're-scans requested');
  sendJson(response, 200, 'application/json', report);
}

async function postDeadLetter(context: RequestContext, { body }: Call): Promise<void> {
  const { response, log, audit } = context;
  audit.action = 'deadLetter';
  const outcome = await deadLettered(within(sweeper, context), body);
  if (outcome === 'conflict') throw new Problem('unavailable', { detail: 'The record keeps changing.' });
  log.warn({ outcome }, 'dead letter');
  response.writeHead(204).end();
}
