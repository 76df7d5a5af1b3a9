import * as v from 'valibot';
import { Problem } from '../../../shared/http/problems.ts';
import { sendJson } from '../../../shared/http/respond.ts';
import type { Bucket } from '../../../shared/storage/bucket.ts';
import { type Methods, parsed, type Route } from '../routes.ts';
import type { SweepTerms } from '../sweep.ts';
import { estimateRescan, shareOf } from './estimate.ts';
import { type Job, RescanJobs, type Wish } from './jobs.ts';
import { EXPECTED_ORDER, isSameOrder, JobName, RescanOrder } from './order.ts';

/** Milliseconds in which an estimate counts names; 20 s are enough for a million. */
const ESTIMATE_MS = 20_000;

export interface RescanRoutesDeps {
  readonly permanent: Bucket;
  /** Absent: bytes of malware are not kept. */
  readonly quarantine: Bucket | undefined;
  readonly filesPerDay: number;
  readonly bytesPerDay: number;
  readonly now: () => Date;
  readonly stopping: SweepTerms['stopping'];
}

type JobState = 'waiting' | 'running' | 'paused' | 'cancelled' | 'completed';

/** A job as operators see it. Times are RFC 3339. */
interface ShownJob {
  readonly job: string;
  readonly state: JobState;
  readonly by: string;
  readonly at: string;
  readonly prefix?: string;
  readonly cleanFrom?: string;
  readonly cleanBefore?: string;
  readonly database?: number;
  readonly quarantine?: true;
  /** Contents that were sent to the rescanner, and bytes of them. */
  readonly requested: { readonly files: number; readonly bytes: number };
  /** Contents that were passed over. */
  readonly passed: number;
  /** Share of all names that the walk has come through, 0 to 1. */
  readonly share: number;
  readonly completedAt?: string;
}

/** Routes by which operators order re-scans and watch them. docs/operations.md */
export function rescanRoutes(deps: RescanRoutesDeps): Readonly<Record<string, Methods>> {
  const jobs = new RescanJobs(deps.permanent);
  return {
    '/rescans': { POST: postRescans(deps, jobs), GET: getRescans(jobs) },
    '/rescans/pause': { POST: postWish(jobs, 'pause') },
    '/rescans/resume': { POST: postWish(jobs, 'run') },
    '/rescans/cancel': { POST: postWish(jobs, 'cancel') },
  };
}

function postRescans(deps: RescanRoutesDeps, jobs: RescanJobs): Route {
  return async ({ response, log, audit }, { body, by }) => {
    audit.action = 'rescan';
    const { job: name, dryRun, everything: _, ...criteria } = parsed(RescanOrder, body, EXPECTED_ORDER);
    if (criteria.quarantine && !deps.quarantine)
      throw new Problem('invalid-request', { detail: 'This deployment keeps no quarantine.' });
    if (dryRun || name === undefined) {
      const terms = { budgetMs: ESTIMATE_MS, stopping: deps.stopping };
      sendJson(response, 200, 'application/json', { estimate: await estimateRescan(deps, criteria, terms) });
      return;
    }
    const order = { ...criteria, by, at: deps.now(), wish: 'run' } as const;
    const job = await jobs.add(name, order);
    if (!isSameOrder(job.order, order)) {
      throw new Problem('invalid-request', { detail: `${name} is a job for other contents. Name another.` });
    }
    if (job.order === order) log.warn({ job: name, by, ...criteria }, 're-scan job ordered');
    sendJson(response, 200, 'application/json', shown(job));
  };
}

function getRescans(jobs: RescanJobs): Route {
  return async ({ response, query, audit }) => {
    audit.action = 'rescan';
    const name = query.get('job');
    const found =
      name === null ? { items: (await jobs.all()).map(shown) } : shown(await existing(jobs, name));
    sendJson(response, 200, 'application/json', found);
  };
}

const NamedJob = v.strictObject({ job: JobName });
const SAID = { run: 're-scan job resumed', pause: 're-scan job paused', cancel: 're-scan job cancelled' };

function postWish(jobs: RescanJobs, wish: Wish): Route {
  return async ({ response, log, audit }, { body, by }) => {
    audit.action = 'rescan';
    const { job: name } = parsed(NamedJob, body, '{"job": "name"}');
    await decide(jobs, name, wish, () => log.warn({ job: name, by }, SAID[wish]));
    sendJson(response, 200, 'application/json', shown(await existing(jobs, name)));
  };
}

/** @throws {Problem} for a job that does not exist, or was cancelled before; {StorageError} */
async function decide(jobs: RescanJobs, name: string, wish: Wish, written: () => void): Promise<void> {
  for (;;) {
    const job = await existing(jobs, name);
    if (job.order.wish === wish || job.completedAt) return;
    if (job.order.wish === 'cancel') {
      throw new Problem('invalid-request', { detail: `${name} was cancelled. Order it by another name.` });
    }
    if (await jobs.wish(job, wish)) return written();
  }
}

/** @throws {Problem} 404 */
async function existing(jobs: RescanJobs, name: string): Promise<Job> {
  const job = v.is(JobName, name) ? await jobs.get(name) : undefined;
  if (!job) throw new Problem('not-found', { detail: 'There is no re-scan of that name.' });
  return job;
}

function shown(job: Job): ShownJob {
  const { name, order, progress, places, completedAt } = job;
  const { prefix, cleanFrom, cleanBefore, database, quarantine } = order;
  // Names in quarantine tell no share.
  const share = completedAt ? 1 : quarantine ? 0 : shareOf(places);
  return {
    job: name,
    state: stateOf(job),
    by: order.by,
    at: order.at.toISOString(),
    ...(prefix !== undefined && { prefix }),
    ...(cleanFrom && { cleanFrom: cleanFrom.toISOString() }),
    ...(cleanBefore && { cleanBefore: cleanBefore.toISOString() }),
    ...(database !== undefined && { database }),
    ...(quarantine && { quarantine }),
    requested: { files: progress.files, bytes: progress.bytes },
    passed: progress.passed,
    share: Math.round(share * 1_000) / 1_000,
    ...(completedAt && { completedAt: completedAt.toISOString() }),
  };
}

function stateOf({ order: { wish }, places, completedAt }: Job): JobState {
  if (completedAt) return 'completed';
  if (wish === 'cancel') return 'cancelled';
  if (wish === 'pause') return 'paused';
  return places['walker'] === undefined ? 'waiting' : 'running';
}
