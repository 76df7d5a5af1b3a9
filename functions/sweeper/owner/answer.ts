import * as v from 'valibot';
import type { Blobs } from '../../../shared/files/blobs.ts';
import { isDraining } from '../../../shared/framework/drain.ts';
import { invalidRequest, Problem } from '../../../shared/http/problems.ts';
import { sendJson } from '../../../shared/http/respond.ts';
import type { RequestContext } from '../../../shared/http/service.ts';
import { type Principal, parsePrincipal } from '../../../shared/identity/principal.ts';
import { toEnvelope } from '../../../shared/signing/envelope.ts';
import type { StatementSigner } from '../../../shared/signing/signer.ts';
import { jsonLines } from '../json-lines.ts';
import { type Call, parsed, type Routes } from '../routes.ts';
import { attestErasure } from './attest.ts';
import { sendContent } from './content.ts';
import { type EraseDeps, erase } from './erase.ts';
import { holdings } from './holdings.ts';

/** The schema of the predicate, which the files function serves. */
const ERASURE_SCHEMA = 'erasure.v1.json';
const STATEMENT_MEDIA_TYPE = 'application/vnd.in-toto+json';

export interface OwnerRoutesDeps extends EraseDeps {
  readonly blobs: Blobs;
  /** Milliseconds after which nothing more is begun: an erasure takes as long as a restore. */
  readonly restoreBudgetMs: number;
  /** Absent: the deployment signs nothing. */
  readonly signer: StatementSigner | undefined;
  /** Where the schema of the predicate is served. */
  readonly filesUrl: string;
}

/** Routes by which operators list, export and erase what is of a principal. docs/erasure.md */
export const ownerRoutes: Routes<OwnerRoutesDeps> = {
  '/owner/list': { action: 'owner', POST: postList },
  '/owner/content': { action: 'owner', POST: postContent },
  '/owner/erase': { action: 'erase', POST: postErase },
  '/owner/attest': { action: 'erase', POST: postAttest },
};

const ListOrder = v.strictObject({ principal: v.string() });

/**
 * Answers with JSON lines: whose list it is, what there is, and a last one without which the answer is not whole. Principals are in
 * bodies, because Cloud Run logs addresses.
 */
async function postList(
  deps: OwnerRoutesDeps,
  { response }: RequestContext,
  { body, by }: Call,
): Promise<undefined> {
  const principal = principalIn(parsed(ListOrder, body, '{"principal": "…"}').principal);
  deps.log.warn({ by }, 'holdings of a principal listed');
  const lines = jsonLines(response);
  await lines.send({ principal, at: deps.now().toISOString() });
  let count = 0;
  for await (const holding of holdings(deps, principal)) {
    await lines.send(holding);
    count++;
  }
  await lines.send({ end: true, count });
  await lines.end();
}

const ContentOrder = v.strictObject({ principal: v.string(), file: v.string() });

async function postContent(
  deps: OwnerRoutesDeps,
  context: RequestContext,
  { body, by }: Call,
): Promise<undefined> {
  const order = parsed(ContentOrder, body, '{"principal": "…", "file": "…"}');
  await sendContent(deps, context, { owner: principalIn(order.principal), file: order.file, by });
}

const EraseOrder = v.strictObject({
  principal: v.string(),
  referenced: v.optional(v.boolean(), false),
});

async function postErase(deps: OwnerRoutesDeps, _: RequestContext, { body, by }: Call): Promise<object> {
  const order = parsed(EraseOrder, body, '{"principal": "…", "referenced"?: true}');
  const principal = principalIn(order.principal);
  const terms = { budgetMs: deps.restoreBudgetMs, stopping: isDraining };
  const report = await erase(deps, { ...order, principal }, terms);
  deps.log.warn({ ...report, by }, 'principal erased');
  return report;
}

/** Answers with a signed statement on the list in the body. */
async function postAttest(
  deps: OwnerRoutesDeps,
  { request, response, signal }: RequestContext,
  { by }: Call,
): Promise<undefined> {
  const { signer, filesUrl } = deps;
  if (!signer) throw new Problem('not-found', { detail: 'This deployment signs nothing: set VERDICT_KEY.' });
  const { erasure, sha256 } = await attestErasure(deps, request);
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'erasure.ndjson', digest: { sha256 } }],
    predicateType: `${filesUrl}/schemas/${ERASURE_SCHEMA}`,
    predicate: erasure,
  };
  const payload = Buffer.from(JSON.stringify(statement));
  const envelope = await toEnvelope(signer, STATEMENT_MEDIA_TYPE, payload, signal);
  const { kept: _, ...counts } = erasure;
  deps.log.warn({ ...counts, by }, 'erasure attested');
  sendJson(response, 200, 'application/vnd.dsse.envelope.v1+json', envelope);
}

/** @throws {Problem} */
function principalIn(text: string): Principal {
  const principal = parsePrincipal(text);
  if (principal) return principal;
  throw invalidRequest('principal should be as org:889640782.');
}
