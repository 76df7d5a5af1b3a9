import type { IncomingMessage } from 'node:http';
import * as v from 'valibot';
import { isDraining } from '../../../shared/framework/drain.ts';
import { invalidRequest } from '../../../shared/http/problems.ts';
import type { RequestContext } from '../../../shared/http/service.ts';
import { jsonLines } from '../json-lines.ts';
import { parseJson } from '../parse-json.ts';
import type { Places } from '../ranges.ts';
import { condemnContent, Reason } from '../release.ts';
import type { Call } from '../routes.ts';
import type { SweeperDeps } from '../sweeper.ts';
import { estimateHunt, type Hit, hunt } from './hunt.ts';
import { type Indicators, readIndicators, TooManyIndicators } from './indicators.ts';

/** Digests of one list: 32 bytes each in memory. */
const MOST = 1_000_000;

export interface HuntDeps extends Pick<SweeperDeps, 'permanent' | 'findings' | 'publish' | 'now' | 'log'> {
  /** Milliseconds after which nothing more is begun. */
  readonly huntBudgetMs: number;
}

/**
 * Answers the list in the body with JSON lines: one of what the list names, one for each stored content that it names, and
 * a report at the end. Without a report the answer is not whole. With `condemn`, a reason, hits are refused from then on and
 * their files recalled, before the client is told of the hit. With `estimate`, one line of what a hunt would take, alone.
 * @throws {Problem} for a list that names nothing or too much; {StorageError}
 */
export async function postHunt(
  deps: HuntDeps,
  { request, response, query }: RequestContext,
  { by }: Call,
): Promise<object | undefined> {
  const from = placesIn(query.get('from'));
  const reason = reasonIn(query.get('condemn'));
  if (query.has('estimate') && (from ?? reason) !== undefined) {
    throw invalidRequest(
      'An estimate is of a whole hunt and condemns nothing: leave out "from" and "condemn".',
    );
  }
  const indicators = await indicatorsOf(request);
  const { sha256, md5, unsupported, linesWithout } = indicators;
  const named = { sha256: sha256.size, md5: md5.size, unsupported, linesWithout };
  if (query.has('estimate')) return { indicators: named, estimate: await estimateHunt(deps.permanent) };
  const lines = jsonLines(response);
  await lines.send({ indicators: named });
  const found = async (hit: Hit) => {
    const done = reason !== undefined && (await condemnContent(deps, { sha256: hit.sha256, reason }, by));
    await lines.send({ hit: { ...hit, ...done } });
  };
  const terms = { budgetMs: deps.huntBudgetMs, stopping: isDraining };
  const { next, ...report } = await hunt(deps.permanent, indicators, { ...terms, from, found });
  const place = next && Buffer.from(JSON.stringify(next)).toString('base64url');
  await lines.send({ report: { ...report, complete: !next, next: place } });
  await lines.end();
  deps.log.warn({ hits: report.hits, complete: !next }, 'hunt completed');
  return undefined;
}

async function indicatorsOf(request: IncomingMessage): Promise<Indicators> {
  try {
    const indicators = await readIndicators(request, MOST);
    if (indicators.sha256.size + indicators.md5.size > 0) return indicators;
  } catch (error) {
    if (!(error instanceof TooManyIndicators)) throw error;
    throw invalidRequest(`The list has more than ${MOST} digests: divide it.`);
  }
  throw invalidRequest(
    'The list names neither a SHA-256 nor an MD5 in hex: send lines, CSV, .hsb, .hdb or STIX.',
  );
}

/** @throws {Problem} */
function reasonIn(text: string | null): string | undefined {
  if (text === null) return undefined;
  const reason = v.safeParse(Reason, text);
  if (reason.success) return reason.output;
  throw invalidRequest('condemn should say why, in at most 1 000 bytes.');
}

function placesIn(text: string | null): Places | undefined {
  if (text === null) return undefined;
  const json = Buffer.from(text, 'base64url').toString();
  return parseJson(v.record(v.string(), v.string()), json, () =>
    invalidRequest('from is not what an earlier report said.'),
  );
}
