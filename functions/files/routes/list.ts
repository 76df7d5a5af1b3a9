import { type CorrelationId, parseCorrelationId } from '../../../shared/files/correlation-id.ts';
import { type FileId, idAt, positionOf } from '../../../shared/files/file-id.ts';
import { toHandle } from '../../../shared/files/handle.ts';
import { authenticate } from '../../../shared/http/authenticate.ts';
import { Problem } from '../../../shared/http/problems.ts';
import { sendJson } from '../../../shared/http/respond.ts';
import { type Principal, parsePrincipal } from '../../../shared/identity/principal.ts';
import type { Files } from '../files.ts';
import { listFiles, STATES, type State } from '../list.ts';
import type { Route } from '../router.ts';
import { cursorOf, limitOf, nextLink, positionIn } from './paging.ts';

export function getFiles({ tokens, records, filesUrl }: Files): Route {
  return async ({ path, query, request, response, signal, log }) => {
    const named = query.get('owner');
    const caller = await (named === null
      ? authenticate(tokens, request, 'read', 'admin')
      : authenticate(tokens, request, 'admin'));
    const owner = named === null ? caller.principal : ownerOf(named);
    const wanted = {
      owner,
      states: statesOf(query),
      correlationId: correlationIdOf(query),
      limit: limitOf(query),
      after: idFrom(owner, query),
    };
    const page = await listFiles(records, log, wanted, signal);
    const next = page.next === undefined ? undefined : cursorOf(positionOf(page.next));
    const files = page.items.map((record) => toHandle(record, filesUrl, { forOwner: true }));
    const headers = next === undefined ? {} : nextLink(path, query, next);
    sendJson(response, 200, 'application/json', { files, ...(next !== undefined && { next }) }, headers);
  };
}

function idFrom(owner: Principal, query: URLSearchParams): FileId | undefined {
  const position = positionIn(query, (text) => idAt(owner, text) && text);
  return position === undefined ? undefined : idAt(owner, position);
}

function ownerOf(text: string): Principal {
  const owner = parsePrincipal(text);
  if (owner) return owner;
  throw new Problem('invalid-request', { detail: 'owner should be a principal such as org:889640782.' });
}

function correlationIdOf(query: URLSearchParams): CorrelationId | undefined {
  const text = query.get('correlationId');
  if (text === null) return undefined;
  const id = parseCorrelationId(text);
  if (id) return id;
  throw new Problem('invalid-request', { detail: 'correlationId is not one that a file can have.' });
}

/** `state=clean,pending` as well as `state=clean&state=pending`. */
function statesOf(query: URLSearchParams): ReadonlySet<State> {
  const known = Object.keys(STATES) as State[];
  const words = query.getAll('state').flatMap((value) => value.split(','));
  if (words.length === 0) return new Set(known.filter((state) => STATES[state]));
  const states = known.filter((state) => words.includes(state));
  if (words.every((word) => known.some((state) => state === word))) return new Set(states);
  throw new Problem('invalid-request', { detail: `state should be some of ${known.join(', ')}.` });
}
