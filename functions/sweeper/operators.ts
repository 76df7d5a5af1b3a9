import * as v from 'valibot';
import { parseFileId } from '../../shared/files/file-id.ts';
import { isDraining } from '../../shared/framework/drain.ts';
import { sendJson } from '../../shared/http/respond.ts';
import type { RequestContext } from '../../shared/http/service.ts';
import type { CollectorDeps } from './collector.ts';
import { deploymentRoutes } from './deployment/answer.ts';
import type { DeploymentDeps } from './deployment/deployment.ts';
import { type HuntDeps, postHunt } from './hunt/answer.ts';
import { type OwnerRoutesDeps, ownerRoutes } from './owner/answer.ts';
import { getQuarantine, getQuarantined, postQuarantineRescan, type QuarantineDeps } from './quarantine.ts';
import type { RecallDeps } from './recall.ts';
import { type RecoveryRoutesDeps, recoveryRoutes } from './recovery/answer.ts';
import { redriveAllFailed, redriveFile } from './redrive.ts';
import { CondemnOrder, condemnContent, type ReleaseDeps, ReleaseOrder, releaseFinding } from './release.ts';
import { type RescanRoutesDeps, rescanRoutes } from './rescan-jobs/answer.ts';
import { type Call, parsed, type Routes } from './routes.ts';
import { stopAfter } from './sweep-terms.ts';
import type { SweeperDeps } from './sweeper.ts';

interface RedriveDeps extends SweeperDeps {
  /** Milliseconds after which nothing more is begun. */
  readonly redriveBudgetMs: number;
}

export interface OperatorDeps
  extends RecallDeps,
    CollectorDeps,
    DeploymentDeps,
    HuntDeps,
    OwnerRoutesDeps,
    QuarantineDeps,
    RecoveryRoutesDeps,
    RedriveDeps,
    ReleaseDeps,
    RescanRoutesDeps {}

/** Routes whose decisions no machine takes: callers.ts. */
export const operatorRoutes: Routes<OperatorDeps> = {
  '/redrive': { action: 'redrive', POST: postRedrive },
  '/release': { action: 'release', POST: postRelease },
  '/condemn': { action: 'condemn', POST: postCondemn },
  '/hunt': { action: 'hunt', parameters: ['estimate', 'from', 'condemn'], POST: postHunt },
  '/quarantine': { action: 'quarantine', parameters: ['after'], GET: getQuarantine },
  '/quarantine/content': { action: 'quarantine', parameters: ['name'], GET: getQuarantined },
  '/quarantine/rescan': { action: 'rescan', POST: postQuarantineRescan },
  ...recoveryRoutes,
  ...ownerRoutes,
  ...deploymentRoutes,
  ...rescanRoutes,
};

const RedriveOrder = v.union([
  v.strictObject({ fileId: v.string() }),
  v.strictObject({ state: v.literal('failed') }),
]);

async function postRedrive(deps: RedriveDeps, _: RequestContext, { body }: Call): Promise<object> {
  const order = parsed(RedriveOrder, body, '{"fileId": "…"} or {"state": "failed"}');
  const terms = { budgetMs: deps.redriveBudgetMs, stopping: isDraining };
  const report =
    'fileId' in order
      ? { [await redriveOne(deps, order.fileId)]: 1 }
      : await redriveAllFailed(deps, stopAfter(terms));
  deps.log.info(report, 'redrive completed');
  return report;
}

async function redriveOne(deps: SweeperDeps, fileId: string): Promise<string> {
  const id = parseFileId(fileId);
  return id ? redriveFile(deps, id) : 'unknown';
}

async function postRelease(
  deps: ReleaseDeps,
  { response }: RequestContext,
  { body, by }: Call,
): Promise<object | undefined> {
  const order = parsed(ReleaseOrder, body, `${CONTENT} or with "signature"`);
  const report = await releaseFinding(deps, order, by);
  if (!('state' in report)) return report;
  sendJson(response, 202, 'application/json', report);
  return undefined;
}

function postCondemn(deps: SweeperDeps, _: RequestContext, { body, by }: Call): Promise<object> {
  return condemnContent(deps, parsed(CondemnOrder, body, CONTENT), by);
}

const CONTENT = '{"sha256": "64 lower-case hex digits", "reason": "…"}';
