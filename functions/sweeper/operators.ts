import * as v from 'valibot';
import type { Publish } from '../../shared/events/cloud-event.ts';
import { parseFileId } from '../../shared/files/file-id.ts';
import { isDraining } from '../../shared/framework/drain.ts';
import { sendJson } from '../../shared/http/respond.ts';
import type { CollectorDeps } from './collector.ts';
import { deploymentRoutes } from './deployment/answer.ts';
import { answerHunt } from './hunt/answer.ts';
import { type OwnerRoutesDeps, ownerRoutes } from './owner/answer.ts';
import { listQuarantine, QuarantinedName, rescanQuarantined, sendQuarantined } from './quarantine.ts';
import type { RecallDeps } from './recall.ts';
import { type RecoveryRoutesDeps, recoveryRoutes } from './recovery/answer.ts';
import { redriveAllFailed, redriveFile } from './redrive.ts';
import { CondemnOrder, condemnContent, ReleaseOrder, releaseFinding } from './release.ts';
import { rescanRoutes } from './rescan-jobs/answer.ts';
import { type Methods, parsed, type Route } from './routes.ts';
import { within } from './within.ts';

interface OperatorDeps extends RecallDeps, CollectorDeps {
  /** A release takes effect when a second operator asks for the same. */
  readonly needsSecond: boolean;
  /** Publishes to the rescanner. */
  readonly request: Publish;
  /** Milliseconds after which nothing more is begun. */
  readonly redriveBudgetMs: number;
  readonly huntBudgetMs: number;
  /** The most contents and bytes that are sent to the rescanner in a day. */
  readonly rescans: { readonly filesPerDay: number; readonly bytesPerDay: number };
  /** `DEPLOYMENT` of this function. */
  readonly deployment: string;
  readonly recovery: Pick<RecoveryRoutesDeps, 'archive' | 'restoreBudgetMs'>;
  readonly owners: Pick<OwnerRoutesDeps, 'eraseBudgetMs' | 'signer' | 'filesUrl'>;
}

/** Routes whose decisions no machine takes: callers.ts. */
export function operatorRoutes(deps: OperatorDeps): Readonly<Record<string, Methods>> {
  return {
    '/redrive': { POST: postRedrive(deps) },
    '/release': { POST: postRelease(deps) },
    '/condemn': { POST: postCondemn(deps) },
    '/hunt': { POST: postHunt(deps) },
    '/quarantine': { GET: getQuarantine(deps) },
    '/quarantine/content': { GET: getQuarantined(deps) },
    '/quarantine/rescan': { POST: postQuarantineRescan(deps) },
    ...recoveryRoutes({ ...deps, ...deps.recovery, stopping: isDraining }),
    ...ownerRoutes({ ...deps, ...deps.owners, stopping: isDraining }),
    ...deploymentRoutes(deps),
    ...rescanRoutes({ ...deps, ...deps.rescans, stopping: isDraining }),
  };
}

const RedriveOrder = v.union([
  v.strictObject({ fileId: v.string() }),
  v.strictObject({ state: v.literal('failed') }),
]);

function postRedrive({ redriveBudgetMs, ...deps }: OperatorDeps): Route {
  return async (context, { body }) => {
    const { response, log, audit } = context;
    audit.action = 'redrive';
    const order = parsed(RedriveOrder, body, '{"fileId": "…"} or {"state": "failed"}');
    const end = performance.now() + redriveBudgetMs;
    const sweeper = within(deps, context);
    const report =
      'fileId' in order
        ? { [await redriveOne(sweeper, order.fileId)]: 1 }
        : await redriveAllFailed(sweeper, () => isDraining() || performance.now() >= end);
    log.info(report, 'redrive completed');
    sendJson(response, 200, 'application/json', report);
  };
}

async function redriveOne(deps: RecallDeps, fileId: string): Promise<string> {
  const id = parseFileId(fileId);
  return id ? redriveFile(deps, id) : 'unknown';
}

function postRelease(deps: OperatorDeps): Route {
  return async (context, { body, by }) => {
    const { response, audit } = context;
    audit.action = 'release';
    const order = parsed(ReleaseOrder, body, `${CONTENT} or with "signature"`);
    const report = await releaseFinding(within(deps, context), order, by);
    sendJson(response, 'state' in report ? 202 : 200, 'application/json', report);
  };
}

function postCondemn(deps: OperatorDeps): Route {
  return async (context, { body, by }) => {
    const { response, audit } = context;
    audit.action = 'condemn';
    const report = await condemnContent(within(deps, context), parsed(CondemnOrder, body, CONTENT), by);
    sendJson(response, 200, 'application/json', report);
  };
}

const CONTENT = '{"sha256": "64 lower-case hex digits", "reason": "…"}';

function postHunt({ huntBudgetMs, permanent, ...deps }: OperatorDeps): Route {
  return async (context, { by }) => {
    const { request, response, query, log, audit } = context;
    audit.action = 'hunt';
    const terms = { budgetMs: huntBudgetMs, stopping: isDraining };
    const condemn = (order: v.InferOutput<typeof CondemnOrder>) =>
      condemnContent(within(deps, context), order, by);
    const report = await answerHunt({ permanent, condemn }, { request, response, query }, terms);
    if (report) log.warn(report, 'hunt completed');
  };
}

function getQuarantine(deps: OperatorDeps): Route {
  return async ({ response, query, audit, signal }) => {
    audit.action = 'quarantine';
    sendJson(response, 200, 'application/json', await listQuarantine(deps, query, signal));
  };
}

function getQuarantined(deps: OperatorDeps): Route {
  return async (context, { by }) => {
    context.audit.action = 'quarantine';
    await sendQuarantined(deps, context, by);
  };
}

function postQuarantineRescan(deps: OperatorDeps): Route {
  return async ({ response, log, audit }, { body, by }) => {
    audit.action = 'rescan';
    const { name } = parsed(QuarantinedName, body, '{"name": "as GET /quarantine lists it"}');
    const report = await rescanQuarantined(deps, deps.request, name);
    log.info({ object: name, by, ...report }, 're-scan of a quarantined content asked for');
    sendJson(response, 202, 'application/json', report);
  };
}
