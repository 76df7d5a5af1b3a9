import { parseResourceUri, type ResourceUri } from '../../../shared/files/references.ts';
import { authenticate } from '../../../shared/http/authenticate.ts';
import { invalidRequest } from '../../../shared/http/problems.ts';
import { sendEmpty } from '../../../shared/http/respond.ts';
import type { Files } from '../files.ts';
import { findFile, owner } from '../find.ts';
import { addReference, removeReference, requireReferable } from '../refer.ts';
import { decoded, type Route } from '../router.ts';

export function putReference(files: Files): Route {
  return async ({ request, response, signal, log }, id, item) => {
    const caller = await authenticate(files.tokens, request, 'write');
    const uri = uriOf(item);
    const { record } = await findFile(files, caller, id, owner, signal);
    // Said before anything is written that a retention policy would keep.
    requireReferable(record);
    await addReference(files, { id: record.id, uri, by: caller.principal });
    log.info({ fileId: record.id, caller: caller.principal }, 'reference added');
    sendEmpty(response, 204);
  };
}

export function deleteReference(files: Files): Route {
  return async ({ request, response, signal, log }, id, item) => {
    const caller = await authenticate(files.tokens, request, 'write');
    const uri = uriOf(item);
    const { record } = await findFile(files, caller, id, owner, signal);
    await removeReference(files, { id: record.id, uri }, log);
    log.info({ fileId: record.id, caller: caller.principal }, 'reference removed');
    sendEmpty(response, 204);
  };
}

/** A slash that is not encoded would silently make it another URI; a question mark begins a query, which the router refuses. */
function uriOf(item: string): ResourceUri {
  const uri = item.includes('/') ? undefined : parseResourceUri(decoded(item));
  if (uri) return uri;
  throw invalidRequest(
    'The reference should be an absolute URI (RFC 3986) of at most 2000 bytes, percent-encoded as one part of the path.',
  );
}
