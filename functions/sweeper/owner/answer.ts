import { once } from 'node:events';
import * as v from 'valibot';
import type { Blobs } from '../../../shared/files/blobs.ts';
import { Problem } from '../../../shared/http/problems.ts';
import { sendHead, sendJson } from '../../../shared/http/respond.ts';
import { type Principal, parsePrincipal } from '../../../shared/identity/principal.ts';
import { toEnvelope } from '../../../shared/signing/envelope.ts';
import type { StatementSigner } from '../../../shared/signing/signer.ts';
import { type Methods, parsed, type Route } from '../routes.ts';
import type { SweepTerms } from '../sweep.ts';
import { attestErasure } from './attest.ts';
import { sendContent } from './content.ts';
import { type EraseDeps, erase } from './erase.ts';
import { holdings } from './holdings.ts';

/** The schema of the predicate, which the files function serves. */
const ERASURE_SCHEMA = 'erasure.v1.json';
const STATEMENT_MEDIA_TYPE = 'application/vnd.in-toto+json';

export interface OwnerRoutesDeps extends EraseDeps {
  readonly blobs: Blobs;
  /** Milliseconds after which nothing more is begun. */
  readonly eraseBudgetMs: number;
  readonly stopping: SweepTerms['stopping'];
  /** Absent: the deployment signs nothing. */
  readonly signer: StatementSigner | undefined;
  /** Where the schema of the predicate is served. */
  readonly filesUrl: string;
}

/** Routes by which operators list, export and erase what is of a principal. docs/erasure.md */
export function ownerRoutes(deps: OwnerRoutesDeps): Readonly<Record<string, Methods>> {
  return {
    '/owner/list': { POST: postList(deps) },
    '/owner/content': { POST: postContent(deps) },
    '/owner/erase': { POST: postErase(deps) },
    '/owner/attest': { POST: postAttest(deps) },
  };
}

const ListOrder = v.strictObject({ principal: v.string() });

/**
 * Answers with JSON lines: whose list it is, what there is, and a last one without which the answer is not whole. Principals are in
 * bodies, because Cloud Run logs addresses.
 */
function postList(deps: OwnerRoutesDeps): Route {
  return async ({ response, audit, log }, { body, by }) => {
    audit.action = 'owner';
    const principal = principalIn(parsed(ListOrder, body, '{"principal": "…"}').principal);
    log.warn({ by }, 'holdings of a principal listed');
    sendHead(response, 200, { 'content-type': 'application/x-ndjson' });
    const send = async (line: object): Promise<void> => {
      if (!response.write(`${JSON.stringify(line)}\n`)) await once(response, 'drain');
    };
    await send({ principal, at: deps.now().toISOString() });
    let count = 0;
    for await (const holding of holdings(deps, principal)) {
      await send(holding);
      count++;
    }
    await send({ end: true, count });
    response.end();
  };
}

const ContentOrder = v.strictObject({ principal: v.string(), file: v.string() });

function postContent(deps: OwnerRoutesDeps): Route {
  return async (context, { body, by }) => {
    context.audit.action = 'owner';
    const order = parsed(ContentOrder, body, '{"principal": "…", "file": "…"}');
    await sendContent(deps, context, { owner: principalIn(order.principal), file: order.file, by });
  };
}

const EraseOrder = v.strictObject({
  principal: v.string(),
  referenced: v.optional(v.boolean(), false),
});

function postErase(deps: OwnerRoutesDeps): Route {
  return async ({ response, log, audit }, { body, by }) => {
    audit.action = 'erase';
    const order = parsed(EraseOrder, body, '{"principal": "…", "referenced"?: true}');
    const principal = principalIn(order.principal);
    const terms = { budgetMs: deps.eraseBudgetMs, stopping: deps.stopping };
    const report = await erase({ ...deps, log }, { ...order, principal }, terms);
    log.warn({ ...report, by }, 'principal erased');
    sendJson(response, 200, 'application/json', report);
  };
}

/** Answers with a signed statement on the list in the body. */
function postAttest(deps: OwnerRoutesDeps): Route {
  return async ({ request, response, audit, log, signal }, { by }) => {
    audit.action = 'erase';
    const { signer, filesUrl } = deps;
    if (!signer)
      throw new Problem('not-found', { detail: 'This deployment signs nothing: set VERDICT_KEY.' });
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
    log.warn({ ...counts, by }, 'erasure attested');
    sendJson(response, 200, 'application/vnd.dsse.envelope.v1+json', envelope);
  };
}

/** @throws {Problem} */
function principalIn(text: string): Principal {
  const principal = parsePrincipal(text);
  if (principal) return principal;
  throw new Problem('invalid-request', { detail: 'principal should be as org:889640782.' });
}
