import * as v from 'valibot';
import {
  type DeploymentState,
  LEVELS,
  type Notice,
  noticeAt,
  type Pause,
  pauseAt,
} from '../../../shared/deployment/state.ts';
import { Problem } from '../../../shared/http/problems.ts';
import { sendJson } from '../../../shared/http/respond.ts';
import type { RequestContext } from '../../../shared/http/service.ts';
import { Reason } from '../release.ts';
import { type Methods, parsed, type Route } from '../routes.ts';
import { changeState, type DeploymentDeps, readState } from './deployment.ts';

/** The path that a deployment may be asked whose buckets are another's. */
export const ADOPT = '/deployment/adopt';

const Time = v.pipe(
  v.string(),
  v.isoTimestamp(),
  v.transform((text) => new Date(text)),
  v.date(),
);
const PauseOrder = v.strictObject({ reason: Reason, until: v.optional(Time) });
const NoticeOrder = v.strictObject({
  text: v.pipe(v.string(), v.trim(), v.nonEmpty(), v.maxLength(500)),
  level: v.optional(v.picklist(LEVELS), 'info'),
  from: v.optional(Time),
  until: v.optional(Time),
});
const AdoptOrder = v.strictObject({ from: v.pipe(v.string(), v.nonEmpty(), v.maxLength(500)) });

/** Routes by which operators pause the intake, tell users something, and take over the buckets of another deployment. */
export function deploymentRoutes(deps: DeploymentDeps): Readonly<Record<string, Methods>> {
  return {
    '/intake': { GET: getIntake(deps) },
    '/intake/pause': { POST: postPause(deps) },
    '/intake/resume': { POST: postResume(deps) },
    '/notice': { PUT: putNotice(deps), DELETE: deleteNotice(deps) },
    [ADOPT]: { POST: postAdopt(deps) },
  };
}

function getIntake(deps: DeploymentDeps): Route {
  return async (context) => {
    context.audit.action = 'intake';
    answer(deps, context, await readState(deps));
  };
}

function postPause(deps: DeploymentDeps): Route {
  return async (context, { body, by }) => {
    context.audit.action = 'intake';
    const order = parsed(PauseOrder, body, '{"reason": "…", "until": "RFC 3339, if it is known"}');
    const { reason, until } = order;
    requireLater(until, deps.now());
    const pause: Pause = { reason, at: deps.now(), by, ...(until && { until }) };
    const { state, written } = await changeState(deps, (state) => {
      const known = pauseAt(state, deps.now());
      return known && isSame(known, pause) ? state : { ...state, pause };
    });
    if (written) context.log.warn({ by, ...order }, 'intake paused');
    answer(deps, context, state);
  };
}

function postResume(deps: DeploymentDeps): Route {
  return async (context, { by }) => {
    context.audit.action = 'intake';
    const { state, written } = await changeState(deps, (state) => {
      const { pause, ...others } = state;
      return pause ? others : state;
    });
    if (written) context.log.warn({ by }, 'intake resumed');
    answer(deps, context, state);
  };
}

function putNotice(deps: DeploymentDeps): Route {
  return async (context, { body, by }) => {
    context.audit.action = 'notice';
    const expected =
      '{"text": "at most 500 characters", "level": "info or warning", "from", "until": "RFC 3339"}';
    const order = parsed(NoticeOrder, body, expected);
    const { text, level, from, until } = order;
    const now = deps.now();
    requireLater(until, from && from > now ? from : now);
    const notice: Notice = { text, level, at: now, by, ...(from && { from }), ...(until && { until }) };
    const { state, written } = await changeState(deps, (state) =>
      state.notice && isSame(state.notice, notice) ? state : { ...state, notice },
    );
    if (written) context.log.warn({ by, ...order }, 'notice published');
    answer(deps, context, state);
  };
}

function deleteNotice(deps: DeploymentDeps): Route {
  return async (context, { by }) => {
    context.audit.action = 'notice';
    const { state, written } = await changeState(deps, (state) => {
      const { notice, ...others } = state;
      return notice ? others : state;
    });
    if (written) context.log.warn({ by }, 'notice removed');
    answer(deps, context, state);
  };
}

function postAdopt(deps: DeploymentDeps): Route {
  return async (context, { body, by }) => {
    context.audit.action = 'adopt';
    const { deployment, now } = deps;
    const { from } = parsed(AdoptOrder, body, '{"from": "the deployment that the buckets belong to"}');
    const { state, written } = await changeState(deps, (state) => {
      const owner = state.claim?.deployment;
      if (owner === deployment) return state;
      if (owner !== undefined && owner !== from) {
        const detail = `The buckets belong to ${owner}, not to ${from}.`;
        throw new Problem('invalid-request', { detail });
      }
      return { ...state, claim: { deployment, at: now(), by } };
    });
    if (written) context.log.warn({ by, from, deployment }, 'buckets adopted');
    answer(deps, context, state);
  };
}

/** Times are RFC 3339. */
function answer({ now }: DeploymentDeps, { response }: RequestContext, state: DeploymentState): void {
  const { claim, notice } = state;
  const pause = pauseAt(state, now());
  sendJson(response, 200, 'application/json', {
    intake: pause ? { state: 'paused', ...pause } : { state: 'open' },
    ...(notice && { notice: { ...notice, shown: noticeAt(state, now()) !== undefined } }),
    ...(claim && {
      deployment: { name: claim.deployment, since: claim.at, ...(claim.by && { by: claim.by }) },
    }),
  });
}

/** Nothing is written for the same order again, also of another operator. */
function isSame(known: Pause | Notice, order: Pause | Notice): boolean {
  const ofOrder = ({ at: _, by: __, ...ordered }: Pause | Notice) =>
    JSON.stringify(Object.entries(ordered).sort());
  return ofOrder(known) === ofOrder(order);
}

/** @throws {Problem} */
function requireLater(until: Date | undefined, than: Date): void {
  if (until && until <= than)
    throw new Problem('invalid-request', { detail: 'until is over already, or before from.' });
}
