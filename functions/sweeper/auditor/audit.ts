import { BLOBS_PREFIX } from '../../../shared/files/blob-name.ts';
import type { FileId } from '../../../shared/files/file-id.ts';
import type { Findings } from '../../../shared/files/findings.ts';
import type { Sha256 } from '../../../shared/files/record.ts';
import { SHARED_PREFIX } from '../../../shared/files/shared-files.ts';
import type { Logger } from '../../../shared/runtime/log.ts';
import { ID_RANGES } from '../by-file.ts';
import { resume } from '../cursor.ts';
import { type Places, walkRanges } from '../ranges.ts';
import { type SweepTerms, stopAfter } from '../sweep-terms.ts';
import { auditBlobs, type BlobTerms } from './blob-audit.ts';
import { brokenRules, type FileRule, type FileTerms, recordOf } from './file-rules.ts';
import { type Audited, gather, gatherOne, type Portion } from './gather.ts';
import type { BlobRule } from './stored-blobs.ts';
import { auditViewers, type ViewerRule } from './viewer-audit.ts';
import { auditWork, type WorkRule } from './work-rules.ts';

/** Broken rules that a report names one by one. */
const EXAMPLES = 100;

export type Rule = FileRule | BlobRule | ViewerRule | WorkRule;

export interface AuditDeps extends BlobTerms, Omit<FileTerms, 'now' | 'isMalware'> {
  readonly findings: Findings;
  readonly now: () => Date;
  readonly log: Logger;
}

export interface AuditReport {
  /** RFC 3339. */
  readonly began: string;
  readonly ended: string;
  /** Files and blobs that were looked at. */
  readonly files: number;
  readonly blobs: number;
  /** How often each rule is broken; empty where none is. */
  readonly broken: Readonly<Partial<Record<Rule, number>>>;
  /** The first of them. */
  readonly examples: readonly { readonly rule: Rule; readonly object: string }[];
  /** False where the time was up first: the next audit goes on from there. */
  readonly complete: boolean;
}

/** One call of {@link audit}, as its parts need it. */
type Run = Omit<Portion<Rule>, 'from'>;

/**
 * Looks at all that is stored, and says which rules it breaks. It changes nothing but its place in the permanent bucket.
 * A listing is older than what is there: whatever is suspicious is looked at again before it counts. docs/adr/0037-audit.md
 * @throws {StorageError} where something cannot be listed or read
 */
export async function audit(deps: AuditDeps, terms: SweepTerms): Promise<AuditReport> {
  const now = deps.now();
  const counts: Partial<Record<Rule, number>> = {};
  const examples: { rule: Rule; object: string }[] = [];
  const run: Run = {
    now,
    stop: stopAfter(terms),
    broken: (rule, object) => {
      counts[rule] = (counts[rule] ?? 0) + 1;
      if (examples.length >= EXAMPLES) return;
      examples.push({ rule, object });
      deps.log.error({ rule, object }, 'rule broken');
    },
  };
  let [files, blobs] = [0, 0];
  const complete = await resume(deps.permanent, 'auditor/place', async ({ portion, ...places }) => {
    if (portion === undefined) {
      const audited = await auditFiles(deps, run, places);
      files = audited.files;
      if (audited.next) return audited.next;
      await auditWork({ ...deps, now }, run.broken);
    }
    for (let from: string | undefined = portion ?? BLOBS_PREFIX; from !== undefined; ) {
      if (run.stop()) return { portion: from };
      const areBlobs: boolean = !from.startsWith(SHARED_PREFIX);
      const audited: Audited | undefined = areBlobs
        ? await auditBlobs(deps, { ...run, from })
        : await auditViewers(deps, { ...run, from });
      if (!audited) return { portion: from };
      blobs += audited.blobs;
      from = audited.next ?? (areBlobs ? SHARED_PREFIX : undefined);
    }
    return undefined;
  });
  const ended = deps.now().toISOString();
  return { began: now.toISOString(), ended, files, blobs, broken: counts, examples, complete };
}

async function auditFiles(
  deps: AuditDeps,
  { now, stop, broken }: Run,
  places: Places,
): Promise<{ readonly files: number; readonly next: Places | undefined }> {
  const malware = new Set<Sha256>();
  const late = new Date(now.getTime() - deps.graceMs);
  for await (const sha256 of deps.findings.since(late)) malware.add(sha256);
  const terms = { ...deps, now, isMalware: (sha256: Sha256) => malware.has(sha256) };
  let files = 0;
  const next = await walkRanges(ID_RANGES, places, stop, async (ids, isOver) => {
    for await (const found of gather(deps, ids)) {
      if (isOver()) return { from: found.id };
      files++;
      if (brokenRules(found, terms).length === 0) continue;
      for (const rule of await confirmed(deps, found.id, now)) broken(rule, found.id);
    }
    return undefined;
  });
  return { files, next };
}

/** Looks again, at what is there now. */
async function confirmed(deps: AuditDeps, id: FileId, now: Date): Promise<readonly FileRule[]> {
  const found = await gatherOne(deps, id);
  const content = recordOf(found, now)?.content;
  const finding = content && (await deps.findings.get(content.sha256));
  return brokenRules(found, { ...deps, now, isMalware: () => finding !== undefined });
}
