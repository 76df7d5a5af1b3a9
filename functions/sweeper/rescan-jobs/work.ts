import { randomUUID } from 'node:crypto';
import type { Place } from '../cursor.ts';
import { quarantinedContents } from '../quarantined.ts';
import type { RestoreDeps } from '../restore.ts';
import { type SendDeps, type SendTerms, type Sent, sendRescans } from '../send-rescans.ts';
import type { SweepTerms } from '../sweep-terms.ts';
import { type Job, type Ordered, progressOf, type RescanJobs } from './jobs.ts';
import { picks, picksQuarantined } from './order.ts';

const DAY_MS = 86_400_000;
/** A job that is over is listed for so long. */
const KEPT_MS = 30 * DAY_MS;

export interface JobDeps extends SendDeps, Pick<RestoreDeps, 'findings' | 'quarantine'> {
  readonly jobs: RescanJobs;
}

/** Counts of one call, over all jobs. */
export interface JobsReport {
  /** Contents that were sent. */
  readonly requested: number;
  /** Contents that could not be sent: a later call does. */
  readonly errors: number;
  /** Jobs that are neither over nor paused. */
  readonly open: number;
  /** Time since the oldest of those was ordered; absent where there is none. */
  readonly behindSeconds?: number;
}

/**
 * Works on what operators have ordered, the oldest first, until the time or the budget of the day is used up. A process that dies leaves a
 * job at the place that was kept last: what was sent since is sent again, and the rescanner finds that it is scanned.
 * @throws {StorageError}
 */
export async function workOnJobs(deps: JobDeps, { budgetMs, stopping }: SweepTerms): Promise<JobsReport> {
  const end = performance.now() + budgetMs;
  let [requested, errors, open] = [0, 0, 0];
  let oldest: Date | undefined;
  for (const job of await deps.jobs.all()) {
    const isOver = job.completedAt !== undefined || job.order.wish === 'cancel';
    const since = job.completedAt ?? job.object.updated;
    if (isOver && deps.now().getTime() - since.getTime() > KEPT_MS) await deps.jobs.remove(job);
    if (isOver || job.order.wish === 'pause') continue;
    const left = end - performance.now();
    const sent = left > 0 && !stopping() ? await workOn(deps, job, { budgetMs: left, stopping }) : undefined;
    requested += sent?.requested ?? 0;
    errors += sent?.errors ?? 0;
    if (sent?.complete) continue;
    open++;
    oldest ??= job.order.at;
  }
  const behind = oldest && { behindSeconds: Math.round((deps.now().getTime() - oldest.getTime()) / 1000) };
  return { requested, errors, open, ...behind };
}

async function workOn(
  deps: JobDeps,
  job: Job,
  terms: SweepTerms,
): Promise<{ requested: number; errors: number; complete: boolean }> {
  const cursor = await deps.jobs.cursor(job);
  const walker = randomUUID();
  const save = ({ blobs, bytes }: Pick<JobSent, 'blobs' | 'bytes'>, place: Place) => {
    const { progress } = job;
    const files = progress.files + (blobs.requested ?? 0);
    const passed = progress.passed + (blobs.other ?? 0) + (blobs.scanned ?? 0);
    const reached = progressOf(job, { files, bytes: progress.bytes + bytes, passed });
    return cursor.save({ ...reached, ...place, walker });
  };
  const sent = await sendRescans(deps, {
    ...terms,
    ...contentsOf(deps, job.order),
    places: job.places,
    // A content that could not be sent is met again: the place stays before it.
    keep: async (so) =>
      so.blobs.error === undefined && (await save(so, so.places ?? {})) && isWanted(deps, job),
  });
  const { requested = 0, error: errors = 0 } = sent.blobs;
  const done = { requested, errors, complete: false };
  if (sent.overtaken || errors > 0) return done;
  const saved = await save(sent, sent.places ?? { completedAt: deps.now().toISOString() });
  if (!saved || sent.places) return done;
  deps.log.info({ job: job.name, by: job.order.by }, 're-scan job completed');
  return { ...done, complete: true };
}

function contentsOf(
  { quarantine, findings }: JobDeps,
  order: Ordered,
): Pick<SendTerms<'other' | 'scanned'>, 'of' | 'pick'> {
  if (!order.quarantine) return { pick: (blob) => picks(blob, order, order.at) };
  // A deployment that keeps none any more has nothing to send.
  if (!quarantine) return { pick: () => 'other' };
  return {
    of: quarantinedContents(quarantine, findings, order.database),
    pick: (object) => picksQuarantined(object, order, order.at),
  };
}

type JobSent = Sent<'other' | 'scanned'>;

/** Operators may have decided otherwise since the walk began. */
async function isWanted({ jobs }: JobDeps, { name, object }: Job): Promise<boolean> {
  const current = await jobs.get(name);
  return current?.object.generation === object.generation && current.order.wish === 'run';
}
