import type { FileId } from '../../../shared/files/file-id.ts';
import { parseSha256 } from '../../../shared/files/record.ts';
import { authenticate } from '../../../shared/http/authenticate.ts';
import { sendJson } from '../../../shared/http/respond.ts';
import { defined } from '../../../shared/runtime/defined.ts';
import type { Page, PageTerms } from '../../../shared/storage/page.ts';
import type { Files } from '../files.ts';
import { findFile, ownerOrAdministrator } from '../find.ts';
import type { Route } from '../router.ts';
import { cursorOf, limitOf, nextLink, positionIn } from './paging.ts';

/** A store of objects beside the record of a file, in the order of digests. */
interface Listed {
  page(id: FileId, terms: PageTerms): Promise<Page<unknown>>;
}

/**
 * A page of what stands beside a record, for owner and administrators: in every state, as long as there is a record.
 * @param member of the answer
 */
export function getListed(files: Files, member: string, listed: Listed): Route {
  return async ({ path, query, request, response, signal }, id) => {
    const caller = await authenticate(files.tokens, request, 'read', 'admin');
    const asked = { limit: limitOf(query), after: positionIn(query, parseSha256) };
    const { record } = await findFile(files, caller, id, ownerOrAdministrator, signal);
    const page = await listed.page(record.id, { ...asked, signal });
    const next = page.next === undefined ? undefined : cursorOf(page.next);
    const body = { [member]: page.items, ...defined({ next }) };
    sendJson(response, 200, 'application/json', body, next === undefined ? {} : nextLink(path, query, next));
  };
}
