import { isDraining } from '../../../shared/framework/drain.ts';
import { Problem } from '../../../shared/http/problems.ts';
import type { RequestContext } from '../../../shared/http/service.ts';
import type { Archive } from '../exporter/archive.ts';
import { type Call, parsed, type Routes } from '../routes.ts';
import { type RestoreDeps, RestoreOrder, restore } from './restore.ts';

/** Exports that are listed: about as many as there are. */
const LISTED = 100;
const EXPECTED = '{"scope": "all", {"file": "…"} or {"owner": "…"}, "asOf"?: RFC 3339, "apply"?: true, …}';

export interface RecoveryRoutesDeps extends Omit<RestoreDeps, 'archive'> {
  /** Absent: the deployment exports nothing. */
  readonly archive: Archive | undefined;
  /** Milliseconds after which nothing more is begun. */
  readonly restoreBudgetMs: number;
}

/** Routes by which operators list exports and restore records from them. docs/recovery.md */
export const recoveryRoutes: Routes<RecoveryRoutesDeps> = {
  '/exports': { action: 'export', GET: getExports },
  '/restore': { action: 'restore', POST: postRestore },
};

async function getExports({ archive }: Pick<RecoveryRoutesDeps, 'archive'>): Promise<object> {
  const exports = required(archive);
  const begun = (await exports.begun()).slice(0, LISTED);
  return { items: await Promise.all(begun.map(({ id }) => shown(exports, id))) };
}

/** An export that is not whole, or whose base is gone, has no more than its id. */
async function shown(archive: Archive, id: string): Promise<object> {
  const chain = await archive.chain(id);
  const newest = chain?.at(-1);
  if (!newest) return { id };
  const objects = newest.ranges.reduce((all, range) => all + range.objects, 0);
  return { id, ended: newest.ended, kind: newest.base === undefined ? 'full' : 'increment', objects };
}

async function postRestore(deps: RecoveryRoutesDeps, _: RequestContext, { body, by }: Call): Promise<object> {
  const order = parsed(RestoreOrder, body, EXPECTED);
  const terms = { budgetMs: deps.restoreBudgetMs, stopping: isDraining };
  const report = await restore({ ...deps, archive: required(deps.archive) }, order, terms);
  const { examples: _examples, next: _next, ...counts } = report;
  deps.log.warn({ ...counts, by }, 'restore completed');
  return report;
}

function required(archive: Archive | undefined): Archive {
  if (archive) return archive;
  throw new Problem('not-found', { detail: 'This deployment has no exports.' });
}
