import { Problem } from '../../../shared/http/problems.ts';
import { sendJson } from '../../../shared/http/respond.ts';
import type { Archive } from '../exporter/archive.ts';
import { type Methods, parsed, type Route } from '../routes.ts';
import type { SweepTerms } from '../sweep.ts';
import { type RestoreDeps, RestoreOrder, restore } from './restore.ts';

/** Exports that are listed: about as many as there are. */
const LISTED = 100;
const EXPECTED = '{"scope": "all", {"file": "…"} or {"owner": "…"}, "asOf"?: RFC 3339, "apply"?: true, …}';

export interface RecoveryRoutesDeps extends Omit<RestoreDeps, 'archive'> {
  /** Absent: the deployment exports nothing. */
  readonly archive: Archive | undefined;
  /** Milliseconds after which nothing more is begun. */
  readonly restoreBudgetMs: number;
  readonly stopping: SweepTerms['stopping'];
}

/** An export as operators see it. Times are RFC 3339. */
interface ShownExport {
  /** When it began. */
  readonly id: string;
  /** When it was whole; absent of one that is not, or whose base is gone. */
  readonly ended?: string;
  readonly kind?: 'full' | 'increment';
  readonly objects?: number;
}

/** Routes by which operators list exports and restore records from them. docs/recovery.md */
export function recoveryRoutes(deps: RecoveryRoutesDeps): Readonly<Record<string, Methods>> {
  return { '/exports': { GET: getExports(deps) }, '/restore': { POST: postRestore(deps) } };
}

function getExports({ archive }: RecoveryRoutesDeps): Route {
  return async ({ response, audit }) => {
    audit.action = 'export';
    const exports = required(archive);
    const begun = (await exports.begun()).slice(0, LISTED);
    const items = await Promise.all(begun.map(({ id }) => shown(exports, id)));
    sendJson(response, 200, 'application/json', { items });
  };
}

async function shown(archive: Archive, id: string): Promise<ShownExport> {
  const chain = await archive.chain(id);
  const newest = chain?.at(-1);
  if (!newest) return { id };
  const objects = newest.ranges.reduce((all, range) => all + range.objects, 0);
  return { id, ended: newest.ended, kind: newest.base === undefined ? 'full' : 'increment', objects };
}

function postRestore({ archive, restoreBudgetMs, stopping, ...deps }: RecoveryRoutesDeps): Route {
  return async ({ response, log, audit }, { body, by }) => {
    audit.action = 'restore';
    const order = parsed(RestoreOrder, body, EXPECTED);
    const terms = { budgetMs: restoreBudgetMs, stopping };
    const report = await restore({ ...deps, archive: required(archive), log }, order, terms);
    const { examples: _, next: __, ...counts } = report;
    log.warn({ ...counts, by }, 'restore completed');
    sendJson(response, 200, 'application/json', report);
  };
}

function required(archive: Archive | undefined): Archive {
  if (archive) return archive;
  throw new Problem('not-found', { detail: 'This deployment has no exports.' });
}
