import type { ServerResponse } from 'node:http';
import * as v from 'valibot';
import { authenticate } from '../../../shared/http/authenticate.ts';
import { jsonOf } from '../../../shared/http/body.ts';
import { endOf } from '../../../shared/http/ends.ts';
import { invalidRequest } from '../../../shared/http/problems.ts';
import { sendEmpty, sendJson } from '../../../shared/http/respond.ts';
import { isLive, type Viewer } from '../../../shared/identity/caller.ts';
import { type Principal, parsePrincipal } from '../../../shared/identity/principal.ts';
import type { Files } from '../files.ts';
import { findFile, owner, ownerOrAdministrator } from '../find.ts';
import { ifMatchOf, versionTag } from '../headers/if-match.ts';
import { decoded, type Route } from '../router.ts';
import { type Sharing, share } from '../share.ts';

export function getViewers(files: Files): Route {
  return async ({ request, response, signal }, id) => {
    const caller = await authenticate(files.tokens, request, 'read', 'admin');
    const { record, object } = await findFile(files, caller, id, ownerOrAdministrator, signal);
    const live = record.viewers.filter((viewer) => isLive(viewer, files.now()));
    const viewers = live.map(({ principal }) => principal);
    const ends = live.flatMap(({ principal, until }) => (until ? [[principal, until.toISOString()]] : []));
    const body = { owner: record.owner, viewers, until: Object.fromEntries(ends) };
    sendJson(response, 200, 'application/json', body, { etag: versionTag(object) });
  };
}

export function putViewer(files: Files): Route {
  return async ({ request, response, signal, log, audit }, id, item) => {
    const caller = await authenticate(files.tokens, request, 'write');
    const principal = viewerOf(item);
    const ifMatch = ifMatchOf(request.headers['if-match']);
    audit.viewer = principal;
    const { record } = await findFile(files, caller, id, owner, signal);
    const viewer = { principal, ...untilOf(await termsOf(request, response), files.now()) };
    const { object } = await share({ ...files, log }, { id: record.id, grant: [viewer], ifMatch });
    log.info({ fileId: record.id, caller: caller.principal, viewer: principal }, 'viewer granted');
    sendEmpty(response, 204, { etag: versionTag(object) });
  };
}

export function deleteViewer(files: Files): Route {
  return async ({ request, response, signal, log, audit }, id, item) => {
    const caller = await authenticate(files.tokens, request, 'write', 'admin');
    const viewer = viewerOf(item);
    const ifMatch = ifMatchOf(request.headers['if-match']);
    audit.viewer = viewer;
    const { record } = await findFile(files, caller, id, ownerOrAdministrator, signal);
    const { object } = await share({ ...files, log }, { id: record.id, revoke: [viewer], ifMatch });
    log.info({ fileId: record.id, caller: caller.principal, viewer }, 'viewer revoked');
    sendEmpty(response, 204, { etag: versionTag(object) });
  };
}

const MAX_BODY_BYTES = 64 * 1024;
const GrantBody = v.strictObject({ until: v.optional(v.string()) });
const Granted = v.union([
  v.string(),
  v.strictObject({ principal: v.string(), until: v.optional(v.string()) }),
]);
const Changes = v.strictObject({
  grant: v.optional(v.array(Granted), []),
  revoke: v.optional(v.array(v.string()), []),
});

/** Several at once: one write, all of it or nothing. */
export function patchViewers(files: Files): Route {
  return async ({ request, response, signal, log, audit }, id) => {
    const caller = await authenticate(files.tokens, request, 'write', 'admin');
    const ifMatch = ifMatchOf(request.headers['if-match']);
    const changes = changesOf(await jsonOf(request, response, MAX_BODY_BYTES), files.now());
    const granted = changes.grant.map(({ principal }) => principal);
    Object.assign(audit, { granted, revoked: changes.revoke });
    // An administrator may revoke, and grant nothing.
    if (granted.length > 0) await authenticate(files.tokens, request, 'write');
    const permission = granted.length > 0 ? owner : ownerOrAdministrator;
    const { record } = await findFile(files, caller, id, permission, signal);
    const { object } = await share({ ...files, log }, { id: record.id, ifMatch, ...changes });
    const facts = { fileId: record.id, caller: caller.principal, grant: granted, revoke: changes.revoke };
    log.info(facts, 'viewers changed');
    sendEmpty(response, 204, { etag: versionTag(object) });
  };
}

/** The body of a grant, which may be absent. */
async function termsOf(
  request: Parameters<typeof jsonOf>[0],
  response: ServerResponse,
): Promise<v.InferOutput<typeof GrantBody>> {
  const parsed = v.safeParse(GrantBody, await jsonOf(request, response, MAX_BODY_BYTES, {}));
  if (parsed.success) return parsed.output;
  throw invalidRequest(
    'Send JSON, {"until": "…"} with a time, as application/json, or no body for a grant without an end.',
  );
}

function changesOf(json: unknown, now: Date): Required<Pick<Sharing, 'grant' | 'revoke'>> {
  const parsed = v.safeParse(Changes, json);
  if (!parsed.success) {
    throw invalidRequest(
      'Send JSON, {"grant": ["…", {"principal": "…", "until": "…"}], "revoke": ["…"]}, lists of principals, as application/json.',
    );
  }
  const revoke = parsed.output.revoke.map(principalOf);
  const grant = parsed.output.grant.map((granted): Viewer => {
    if (typeof granted === 'string') return { principal: principalOf(granted) };
    return { principal: principalOf(granted.principal), ...untilOf(granted, now) };
  });
  const once = new Map(grant.map((viewer) => [viewer.principal, viewer]));
  if (grant.some(({ principal, until }) => once.get(principal)?.until?.getTime() !== until?.getTime()))
    throw invalidRequest('A principal is granted twice, with different ends.');
  if (grant.some(({ principal }) => revoke.includes(principal))) {
    throw invalidRequest('A principal is both granted and revoked.');
  }
  // The entry of a viewer is written once.
  return { grant: [...once.values()], revoke: [...new Set(revoke)] };
}

function untilOf({ until }: { readonly until?: string | undefined }, now: Date): Pick<Viewer, 'until'> {
  return until === undefined ? {} : { until: endOf(until, 'until', now) };
}

function viewerOf(item: string): Principal {
  return principalOf(decoded(item));
}

function principalOf(text: string): Principal {
  const viewer = parsePrincipal(text);
  if (viewer) return viewer;
  throw invalidRequest('The viewer should be a principal such as org:889640782, app:…, user:… or group:….');
}
