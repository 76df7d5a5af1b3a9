import { http } from '@google-cloud/functions-framework';
import { addressed, type Publish } from '../../shared/events/cloud-event.ts';
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
import { sweeperVariables } from './config.ts';
import { deadLettered } from './dead-letter.ts';
import { ADOPT } from './deployment/answer.ts';
import { requireOurs } from './deployment/deployment.ts';
import { Archive } from './exporter/archive.ts';
import { type OperatorDeps, operatorRoutes } from './operators.ts';
import { recall } from './recall.ts';
import { releaseFoundClean } from './release-clean.ts';
import { type RescanDeps, requestRescans } from './rescan.ts';
import { RescanBudget } from './rescan-budget.ts';
import { RescanJobs } from './rescan-jobs/jobs.ts';
import { type JobDeps, workOnJobs } from './rescan-jobs/work.ts';
import { type Call, type Routes, routeFor } from './routes.ts';
import { sweep } from './sweep.ts';

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

const afterSeconds = config.COLLECT_UNREFERENCED_AFTER_SECONDS;
const key = config.VERDICT_KEY;
const now = () => new Date();
const perDay = { filesPerDay: config.RESCAN_FILES_PER_DAY, bytesPerDay: config.RESCAN_BYTES_PER_DAY };
const bucketNamed = (name: string | undefined) => (name ? new Bucket(storage, name, limits) : undefined);
const exported = bucketNamed(config.EXPORT_BUCKET);

/** Dependencies of all routes. */
interface Deps extends OperatorDeps, RescanDeps, JobDeps {}

const service: Deps = {
  unscanned: new Bucket(storage, config.UNSCANNED_BUCKET, limits),
  permanent,
  quarantine: bucketNamed(config.QUARANTINE_BUCKET),
  archive: exported && new Archive(exported),
  records: new Records(permanent),
  findings: new Findings(permanent),
  shared: new SharedFiles(permanent),
  references: new References(permanent),
  receipts: new Receipts(permanent),
  candidates: new Candidates(permanent),
  blobs: new Blobs(permanent, { deduplicate: config.DEDUPLICATE }),
  jobs: new RescanJobs(permanent),
  budget: new RescanBudget({ permanent, now, ...perDay }),
  publish: addressed(events.publish, config.FILES_URL),
  redeliver: notifications.publish,
  request: rescans.publish,
  signer: key === undefined ? undefined : new StatementSigner(signingKey(key, { ...limits, connectKms })),
  stuckAfterMs: config.STUCK_AFTER_SECONDS * 1000,
  abandonedAfterMs: config.ABANDONED_AFTER_SECONDS * 1000,
  maxRedrives: config.MAX_REDRIVES,
  redrivesPerSweep: config.REDRIVES_PER_SWEEP,
  unreferencedAfterMs: afterSeconds === undefined ? undefined : afterSeconds * 1000,
  blobGraceMs: config.COLLECT_BLOB_GRACE_SECONDS * 1000,
  tombstoneMs: config.TOMBSTONE_DAYS * 86_400_000,
  candidatesPerCycle: CANDIDATES_PER_CYCLE,
  afterDays: config.RESCAN_AFTER_DAYS,
  everyDays: config.RESCAN_EVERY_DAYS,
  ...perDay,
  needsSecond: config.RELEASE_NEEDS_SECOND,
  redriveBudgetMs: budgetMs,
  huntBudgetMs: config.HUNT_BUDGET_SECONDS * 1000,
  restoreBudgetMs: config.RESTORE_BUDGET_SECONDS * 1000,
  deployment: config.DEPLOYMENT,
  filesUrl: config.FILES_URL,
  now,
  log,
};
const callers = { deadLetters: config.DEAD_LETTER_CALLER, schedule: config.SCHEDULE_CALLER };

const ROUTES: Routes<Deps> = {
  '/sweep': { action: 'sweep', POST: postSweep },
  '/collect': { action: 'collect', POST: postCollect },
  '/rescan': { action: 'rescan', POST: postRescan },
  '/dead-letters': { action: 'deadLetter', POST: postDeadLetter },
  ...operatorRoutes,
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

async function handler(context: RequestContext): Promise<void> {
  const { request, response, path, query, audit } = context;
  const methods = Object.hasOwn(ROUTES, path) ? ROUTES[path] : undefined;
  if (!methods) throw new Problem('not-found');
  const by = admitCaller(request.headers, path, callers);
  const route = routeFor(methods, request.method);
  requireKnown(query, methods.parameters);
  const deps = within(service, context);
  if (path !== ADOPT) await requireOurs(deps);
  const body = LISTS.has(path) ? undefined : await bodyAt(context);
  audit.action = methods.action;
  const answer = await route(deps, context, { body, by });
  if (answer) sendJson(response, 200, 'application/json', answer);
}

/** Dependencies of one request: its log, and its span for the messages that are sent. */
function within(deps: Deps, { log, span }: RequestContext): Deps {
  const inSpan =
    (publish: Publish): Publish =>
    (event) =>
      publish(event, span);
  const { publish, redeliver, request } = deps;
  return { ...deps, log, publish: inSpan(publish), redeliver: inSpan(redeliver), request: inSpan(request) };
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

async function postSweep(deps: Deps): Promise<object> {
  const terms = { budgetMs, stopping: isDraining };
  // Files that wait for a verdict must not wait for a recall that fails each time.
  const [recalls] = await Promise.allSettled([recall(deps, terms)]);
  const swept = await sweep(deps, terms);
  if (recalls.status === 'rejected') throw recalls.reason;
  const report = { ...swept, recalls: recalls.value };
  deps.log.info(report, 'sweep completed');
  return report;
}

async function postCollect(deps: Deps): Promise<object> {
  const terms = { budgetMs: config.COLLECT_BUDGET_SECONDS * 1000, stopping: isDraining };
  const report = await collect(deps, terms);
  deps.log.info(report, 'collect completed');
  return report;
}

async function postRescan(deps: Deps): Promise<object> {
  const begun = performance.now();
  const budgetMs = config.RESCAN_BUDGET_SECONDS * 1000;
  // Jobs of operators come before contents that are due. A job that fails each time must not keep that waiting.
  const [jobs] = await Promise.allSettled([workOnJobs(deps, { budgetMs, stopping: isDraining })]);
  const left = budgetMs - (performance.now() - begun);
  const due = await requestRescans(deps, { budgetMs: left, stopping: isDraining });
  if (jobs.status === 'rejected') throw jobs.reason;
  const found = config.CLEAN_IN_QUARANTINE === 'release' && { quarantine: await releaseFoundClean(deps) };
  const report = { ...due, jobs: jobs.value, ...found };
  deps.log.info(report, 're-scans requested');
  return report;
}

async function postDeadLetter(deps: Deps, { response }: RequestContext, { body }: Call): Promise<undefined> {
  const outcome = await deadLettered(deps, body);
  if (outcome === 'conflict') throw new Problem('unavailable', { detail: 'The record keeps changing.' });
  deps.log.warn({ outcome }, 'dead letter');
  response.writeHead(204).end();
}
