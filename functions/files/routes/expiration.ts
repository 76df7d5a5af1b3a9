import * as v from 'valibot';
import { authenticate } from '../../../shared/http/authenticate.ts';
import { jsonOf } from '../../../shared/http/body.ts';
import { endOf } from '../../../shared/http/ends.ts';
import { invalidRequest } from '../../../shared/http/problems.ts';
import { sendEmpty } from '../../../shared/http/respond.ts';
import type { Files } from '../files.ts';
import { findFile, owner } from '../find.ts';
import { ifMatchOf, versionTag } from '../headers/if-match.ts';
import type { Route } from '../router.ts';
import { removeEnd, setEnd } from '../withdraw.ts';

const MAX_BODY_BYTES = 1024;
const Order = v.strictObject({ expiresAt: v.string() });

export function putExpiration(files: Files): Route {
  return async ({ request, response, signal, log }, id) => {
    const caller = await authenticate(files.tokens, request, 'write');
    const ifMatch = ifMatchOf(request.headers['if-match']);
    const { record } = await findFile(files, caller, id, owner, signal);
    const order = v.safeParse(Order, await jsonOf(request, response, MAX_BODY_BYTES));
    if (!order.success) throw invalidRequest('Send JSON, {"expiresAt": "…"}, as application/json.');
    const expiresAt = endOf(order.output.expiresAt, 'expiresAt', files.now());
    const { object } = await setEnd(files, record.id, expiresAt, ifMatch);
    log.info({ fileId: record.id, caller: caller.principal, expiresAt }, 'expiration set');
    sendEmpty(response, 204, { etag: versionTag(object) });
  };
}

export function deleteExpiration(files: Files): Route {
  return async ({ request, response, signal, log }, id) => {
    const caller = await authenticate(files.tokens, request, 'write');
    const ifMatch = ifMatchOf(request.headers['if-match']);
    const { record } = await findFile(files, caller, id, owner, signal);
    const { object } = await removeEnd(files, record.id, ifMatch);
    log.info({ fileId: record.id, caller: caller.principal }, 'expiration removed');
    sendEmpty(response, 204, { etag: versionTag(object) });
  };
}
