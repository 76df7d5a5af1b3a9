import { isOfAScan, type StandingFinding } from '../../shared/files/finding.ts';
import { type Counts, countOutcomes } from './count-outcomes.ts';
import { type ReleaseDeps, releaseFinding } from './release.ts';

/** The operator of a release that nobody has ordered but the configuration. */
const POLICY = 'policy';

type CleanOutcome = 'released' | 'announced' | 'awaitingSecond' | 'changed';

/** Numbers of findings, by outcome. */
export type CleanReport = Readonly<Counts<CleanOutcome>>;

/**
 * Releases what newer signatures find clean, for a deployment whose policy that is, as an operator would. Nobody vouches for such a
 * content: a scan that finds the signature again brings the finding back.
 * @throws {StorageError} where findings cannot be listed
 */
export async function releaseFoundClean(deps: ReleaseDeps): Promise<CleanReport> {
  const counts: Counts<CleanOutcome> = {};
  const all = [];
  for await (const found of deps.findings.foundClean()) all.push(found);
  for (const [sha256, known] of all) {
    const visit = countOutcomes(deps.log, counts, async () => {
      if (!('release' in known) && known.asked) return 'awaitingSecond';
      const { engine } = 'clean' in known && known.clean ? known.clean : { engine: undefined };
      const reason = `no more found by ClamAV ${engine?.engine}/${engine?.database ?? '-'}`;
      const order = { sha256, reason, signature: known.signature };
      // The finding as it is when it is released decides: a scan may have found the signature again.
      const report = await releaseFinding(deps, order, POLICY, isFoundClean);
      if ('state' in report) return 'awaitingSecond';
      if (report.released === 1) return 'released';
      // Released before, by a process that died before it was announced; or not to be released any more.
      return 'release' in known ? 'announced' : 'changed';
    });
    await visit(known.object);
  }
  return counts;
}

function isFoundClean(known: StandingFinding): boolean {
  return isOfAScan(known) && known.clean !== undefined;
}
