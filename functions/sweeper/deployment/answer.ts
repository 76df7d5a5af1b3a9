import * as v from 'valibot';
import {
  type DeploymentState,
  LEVELS,
  type Notice,
  noticeAt,
  type Pause,
  pauseAt,
} from '../../../shared/deployment/state.ts';
import { invalidRequest } from '../../../shared/http/problems.ts';
import type { RequestContext } from '../../../shared/http/service.ts';
import { defined } from '../../../shared/runtime/defined.ts';
import { Reason } from '../release.ts';
import { type Call, parsed, type Routes, Time } from '../routes.ts';
import { changeState, type DeploymentDeps, readState } from './deployment.ts';

/** The path that a deployment may be asked whose buckets are another's. */
export const ADOPT = '/deployment/adopt';

const PauseOrder = v.strictObject({ reason: Reason, until: v.optional(Time) });
const NoticeOrder = v.strictObject({
  text: v.pipe(v.string(), v.trim(), v.nonEmpty(), v.maxLength(500)),
  level: v.optional(v.picklist(LEVELS), 'info'),
  from: v.optional(Time),
  until: v.optional(Time),
});
const AdoptOrder = v.strictObject({ from: v.pipe(v.string(), v.nonEmpty(), v.maxLength(500)) });

/** Routes by which operators pause the intake, tell users something, and take over the buckets of another deployment. */
export const deploymentRoutes: Routes<DeploymentDeps> = {
  '/intake': { action: 'intake', GET: getIntake },
  '/intake/pause': { action: 'intake', POST: postPause },
  '/intake/resume': { action: 'intake', POST: postResume },
  '/notice': { action: 'notice', PUT: putNotice, DELETE: deleteNotice },
  [ADOPT]: { action: 'adopt', POST: postAdopt },
};

async function getIntake(deps: DeploymentDeps): Promise<object> {
  return shown(deps, await readState(deps));
}

function postPause(deps: DeploymentDeps, _: RequestContext, { body, by }: Call): Promise<object> {
  const order = parsed(PauseOrder, body, '{"reason": "…", "until": "RFC 3339, if it is known"}');
  const { reason, until } = order;
  const now = deps.now();
  requireLater(until, now);
  const pause: Pause = { reason, at: now, by, ...defined({ until }) };
  return change(deps, 'intake paused', { by, ...order }, (state) => {
    const known = pauseAt(state, now);
    return known && isSame(known, pause) ? state : { ...state, pause };
  });
}

function postResume(deps: DeploymentDeps, _: RequestContext, { by }: Call): Promise<object> {
  return change(deps, 'intake resumed', { by }, (state) => {
    const { pause, ...others } = state;
    return pause ? others : state;
  });
}

function putNotice(deps: DeploymentDeps, _: RequestContext, { body, by }: Call): Promise<object> {
  const expected =
    '{"text": "at most 500 characters", "level": "info or warning", "from", "until": "RFC 3339"}';
  const order = parsed(NoticeOrder, body, expected);
  const { text, level, from, until } = order;
  const now = deps.now();
  requireLater(until, from && from > now ? from : now);
  const notice: Notice = { text, level, at: now, by, ...defined({ from, until }) };
  return change(deps, 'notice published', { by, ...order }, (state) =>
    state.notice && isSame(state.notice, notice) ? state : { ...state, notice },
  );
}

function deleteNotice(deps: DeploymentDeps, _: RequestContext, { by }: Call): Promise<object> {
  return change(deps, 'notice removed', { by }, (state) => {
    const { notice, ...others } = state;
    return notice ? others : state;
  });
}

function postAdopt(deps: DeploymentDeps, _: RequestContext, { body, by }: Call): Promise<object> {
  const { deployment, now } = deps;
  const { from } = parsed(AdoptOrder, body, '{"from": "the deployment that the buckets belong to"}');
  return change(deps, 'buckets adopted', { by, from, deployment }, (state) => {
    const owner = state.claim?.deployment;
    if (owner === deployment) return state;
    if (owner !== undefined && owner !== from) {
      const detail = `The buckets belong to ${owner}, not to ${from}.`;
      throw invalidRequest(detail);
    }
    return { ...state, claim: { deployment, at: now(), by } };
  });
}

/** Changes the state, and logs a message if that was written. @returns the answer */
async function change(
  deps: DeploymentDeps,
  message: string,
  facts: object,
  changed: (state: DeploymentState) => DeploymentState,
): Promise<object> {
  const { state, written } = await changeState(deps, changed);
  if (written) deps.log.warn(facts, message);
  return shown(deps, state);
}

/** The state as operators see it. Times are RFC 3339. */
function shown({ now }: DeploymentDeps, state: DeploymentState): object {
  const { claim, notice } = state;
  const pause = pauseAt(state, now());
  return {
    intake: pause ? { state: 'paused', ...pause } : { state: 'open' },
    notice: notice && { ...notice, shown: noticeAt(state, now()) !== undefined },
    deployment: claim && { name: claim.deployment, since: claim.at, by: claim.by },
  };
}

/** Nothing is written for the same order again, also of another operator. */
function isSame(known: Pause | Notice, order: Pause | Notice): boolean {
  const ofOrder = ({ at: _, by: __, ...ordered }: Pause | Notice) =>
    JSON.stringify(Object.entries(ordered).sort());
  return ofOrder(known) === ofOrder(order);
}

/** @throws {Problem} */
function requireLater(until: Date | undefined, than: Date): void {
  if (until && until <= than) throw invalidRequest('until is over already, or before from.');
}
