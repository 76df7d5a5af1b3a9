import { authenticate } from '../../../shared/http/authenticate.ts';
import { ifMatchOf, versionTag } from '../../../shared/http/ifMatch.ts';
import { Problem } from '../../../shared/http/problems.ts';
import { sendJson, sendNoContent } from '../../../shared/http/respond.ts';
import { decoded, type Route } from '../../../shared/http/router.ts';
import { type Principal, parsePrincipal } from '../../../shared/identity/principal.ts';
import type { Files } from '../files.ts';
import { findFile, owner, ownerOrAdministrator } from '../find.ts';
import { grant, revoke } from '../share.ts';

export function getViewers({ tokens, records }: Files): Route {
  return async ({ request, response, signal }, id) => {
    const caller = await authenticate(tokens, request, 'read', 'admin');
    const { record, object } = await findFile(records, caller, id, ownerOrAdministrator, signal);
    const { owner, viewers } = record;
    sendJson(response, 200, 'application/json', { owner, viewers }, { etag: versionTag(object) });
  };
}

export function putViewer({ tokens, records, writer }: Files): Route {
  return async ({ request, response, signal, log, audit }, id, item) => {
    const caller = await authenticate(tokens, request, 'write');
    const asked = { viewer: viewerOf(item), ifMatch: ifMatchOf(request.headers['if-match']) };
    audit.viewer = asked.viewer;
    const { record } = await findFile(records, caller, id, owner, signal);
    const { object } = await grant(writer, { id: record.id, ...asked });
    log.info({ fileId: record.id, caller: caller.principal, viewer: asked.viewer }, 'viewer granted');
    sendNoContent(response, { etag: versionTag(object) });
  };
}

export function deleteViewer({ tokens, records, writer }: Files): Route {
  return async ({ request, response, signal, log, audit }, id, item) => {
    const caller = await authenticate(tokens, request, 'write', 'admin');
    const asked = { viewer: viewerOf(item), ifMatch: ifMatchOf(request.headers['if-match']) };
    audit.viewer = asked.viewer;
    const { record } = await findFile(records, caller, id, ownerOrAdministrator, signal);
    const { object } = await revoke(writer, { id: record.id, ...asked });
    log.info({ fileId: record.id, caller: caller.principal, viewer: asked.viewer }, 'viewer revoked');
    sendNoContent(response, { etag: versionTag(object) });
  };
}

function viewerOf(item: string): Principal {
  const viewer = parsePrincipal(decoded(item));
  if (viewer) return viewer;
  const detail = 'The viewer should be a principal such as org:889640782, app:…, user:… or group:….';
  throw new Problem('invalid-request', { detail });
}
