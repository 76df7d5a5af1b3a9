import * as v from 'valibot';
import { isDraining } from '../../../shared/framework/drain.ts';
import { invalidRequest, Problem } from '../../../shared/http/problems.ts';
import type { RequestContext } from '../../../shared/http/service.ts';
import type { Logger } from '../../../shared/runtime/log.ts';
import { type Call, parsed, type Route, type Routes } from '../routes.ts';
import { type EstimateDeps, estimateRescan, shareOf } from './estimate.ts';
import type { Job, RescanJobs, Wish } from './jobs.ts';
import { EXPECTED_ORDER, isSameOrder, JobName, RescanOrder } from './order.ts';

/** Milliseconds in which an estimate counts names; 20 s are enough for a million. */
const ESTIMATE_MS = 20_000;

export interface RescanRoutesDeps extends EstimateDeps {
  readonly jobs: RescanJobs;
  readonly log: Logger;
}

/** Routes by which operators order re-scans and watch them. docs/operations.md */
export const rescanRoutes: Routes<RescanRoutesDeps> = {
  '/rescans': { action: 'rescan', parameters: ['job'], POST: postRescans, GET: getRescans },
  '/rescans/pause': { action: 'rescan', POST: postWish('pause') },
  '/rescans/resume': { action: 'rescan', POST: postWish('run') },
  '/rescans/cancel': { action: 'rescan', POST: postWish('cancel') },
};

async function postRescans(
  deps: RescanRoutesDeps,
  { query }: RequestContext,
  { body, by }: Call,
): Promise<object> {
  if (query.has('job')) throw invalidRequest('Name the job in the body, not in the query.');
  const order = parsed(RescanOrder, body, EXPECTED_ORDER);
  const { job: name, dryRun, everything: _everything, ...criteria } = order;
  if (criteria.quarantine && !deps.quarantine) throw invalidRequest('This deployment keeps no quarantine.');
  if (dryRun || name === undefined) {
    const terms = { budgetMs: ESTIMATE_MS, stopping: isDraining };
    return { estimate: await estimateRescan(deps, criteria, terms) };
  }
  const ordered = { ...criteria, by, at: deps.now(), wish: 'run' } as const;
  const job = await deps.jobs.add(name, ordered);
  if (!isSameOrder(job.order, ordered)) {
    throw invalidRequest(`${name} is a job for other contents. Name another.`);
  }
  if (job.order === ordered) deps.log.warn({ job: name, by, ...criteria }, 're-scan job ordered');
  return shown(job);
}

async function getRescans({ jobs }: RescanRoutesDeps, { query }: RequestContext): Promise<object> {
  const name = query.get('job');
  return name === null ? { items: (await jobs.all()).map(shown) } : shown(await existing(jobs, name));
}

const NamedJob = v.strictObject({ job: JobName });
const SAID = { run: 're-scan job resumed', pause: 're-scan job paused', cancel: 're-scan job cancelled' };

function postWish(wish: Wish): Route<RescanRoutesDeps> {
  return async ({ jobs, log }, _, { body, by }) => {
    const { job: name } = parsed(NamedJob, body, '{"job": "name"}');
    if (await decide(jobs, name, wish)) log.warn({ job: name, by }, SAID[wish]);
    return shown(await existing(jobs, name));
  };
}

/** @returns whether it was written @throws {Problem} for a job that does not exist, or was cancelled before; {StorageError} */
async function decide(jobs: RescanJobs, name: string, wish: Wish): Promise<boolean> {
  for (;;) {
    const job = await existing(jobs, name);
    if (job.order.wish === wish || job.completedAt) return false;
    if (job.order.wish === 'cancel') {
      throw invalidRequest(`${name} was cancelled. Order it by another name.`);
    }
    if (await jobs.wish(job, wish)) return true;
  }
}

/** @throws {Problem} 404 */
async function existing(jobs: RescanJobs, name: string): Promise<Job> {
  const job = v.is(JobName, name) ? await jobs.get(name) : undefined;
  if (!job) throw new Problem('not-found', { detail: 'There is no re-scan of that name.' });
  return job;
}

/** A job as operators see it. Times are RFC 3339, and `share` is that of all names which the walk has come through, 0 to 1. */
function shown(job: Job): object {
  const { name, order, progress, places, completedAt } = job;
  const { wish: _, ...ordered } = order;
  // Names in quarantine tell no share.
  const share = completedAt ? 1 : order.quarantine ? 0 : shareOf(places);
  return {
    job: name,
    state: stateOf(job),
    ...ordered,
    requested: { files: progress.files, bytes: progress.bytes },
    passed: progress.passed,
    share: Math.round(share * 1_000) / 1_000,
    completedAt,
  };
}

function stateOf({ order: { wish }, places, completedAt }: Job) {
  if (completedAt) return 'completed';
  if (wish === 'cancel') return 'cancelled';
  if (wish === 'pause') return 'paused';
  return places['walker'] === undefined ? 'waiting' : 'running';
}
