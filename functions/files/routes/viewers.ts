import * as v from 'valibot';
import { authenticate } from '../../../shared/http/authenticate.ts';
import { jsonOf } from '../../../shared/http/body.ts';
import { Problem } from '../../../shared/http/problems.ts';
import { sendJson, sendNoContent } from '../../../shared/http/respond.ts';
import { type Principal, parsePrincipal } from '../../../shared/identity/principal.ts';
import type { Files } from '../files.ts';
import { findFile, owner, ownerOrAdministrator } from '../find.ts';
import { ifMatchOf, versionTag } from '../headers/if-match.ts';
import { decoded, type Route } from '../router.ts';
import { type Sharing, share } from '../share.ts';

export function getViewers({ tokens, records }: Files): Route {
  return async ({ request, response, signal }, id) => {
    const caller = await authenticate(tokens, request, 'read', 'admin');
    const { record, object } = await findFile(records, caller, id, ownerOrAdministrator, signal);
    const { owner, viewers } = record;
    sendJson(response, 200, 'application/json', { owner, viewers }, { etag: versionTag(object) });
  };
}

export function putViewer({ tokens, records, writer, shared }: Files): Route {
  return async ({ request, response, signal, log, audit }, id, item) => {
    const caller = await authenticate(tokens, request, 'write');
    const viewer = viewerOf(item);
    const ifMatch = ifMatchOf(request.headers['if-match']);
    audit.viewer = viewer;
    const { record } = await findFile(records, caller, id, owner, signal);
    const { object } = await share({ writer, shared }, { id: record.id, grant: [viewer], ifMatch });
    log.info({ fileId: record.id, caller: caller.principal, viewer }, 'viewer granted');
    sendNoContent(response, { etag: versionTag(object) });
  };
}

export function deleteViewer({ tokens, records, writer, shared }: Files): Route {
  return async ({ request, response, signal, log, audit }, id, item) => {
    const caller = await authenticate(tokens, request, 'write', 'admin');
    const viewer = viewerOf(item);
    const ifMatch = ifMatchOf(request.headers['if-match']);
    audit.viewer = viewer;
    const { record } = await findFile(records, caller, id, ownerOrAdministrator, signal);
    const { object } = await share({ writer, shared }, { id: record.id, revoke: [viewer], ifMatch });
    log.info({ fileId: record.id, caller: caller.principal, viewer }, 'viewer revoked');
    sendNoContent(response, { etag: versionTag(object) });
  };
}

const MAX_BODY_BYTES = 64 * 1024;
const principals = v.optional(v.array(v.string()), []);
const Changes = v.strictObject({ grant: principals, revoke: principals });

/** Several at once: one write, all of it or nothing. */
export function patchViewers({ tokens, records, writer, shared }: Files): Route {
  return async ({ request, response, signal, log, audit }, id) => {
    const caller = await authenticate(tokens, request, 'write', 'admin');
    const ifMatch = ifMatchOf(request.headers['if-match']);
    const changes = changesOf(await jsonOf(request, response, MAX_BODY_BYTES));
    Object.assign(audit, { granted: changes.grant, revoked: changes.revoke });
    // An administrator may revoke, and grant nothing.
    if (changes.grant.length > 0) await authenticate(tokens, request, 'write');
    const permission = changes.grant.length > 0 ? owner : ownerOrAdministrator;
    const { record } = await findFile(records, caller, id, permission, signal);
    const { object } = await share({ writer, shared }, { id: record.id, ifMatch, ...changes });
    log.info({ fileId: record.id, caller: caller.principal, ...changes }, 'viewers changed');
    sendNoContent(response, { etag: versionTag(object) });
  };
}

function changesOf(json: unknown): Required<Pick<Sharing, 'grant' | 'revoke'>> {
  const parsed = v.safeParse(Changes, json);
  if (!parsed.success) {
    const detail =
      'Send JSON, {"grant": ["…"], "revoke": ["…"]}, each a list of principals, as application/json.';
    throw new Problem('invalid-request', { detail });
  }
  const [grant, revoke] = [parsed.output.grant.map(principalOf), parsed.output.revoke.map(principalOf)];
  if (grant.some((viewer) => revoke.includes(viewer))) {
    throw new Problem('invalid-request', { detail: 'A principal is both granted and revoked.' });
  }
  return { grant, revoke };
}

function viewerOf(item: string): Principal {
  return principalOf(decoded(item));
}

function principalOf(text: string): Principal {
  const viewer = parsePrincipal(text);
  if (viewer) return viewer;
  const detail = 'The viewer should be a principal such as org:889640782, app:…, user:… or group:….';
  throw new Problem('invalid-request', { detail });
}
