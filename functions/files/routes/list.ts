import type { IncomingMessage } from 'node:http';
import { type CorrelationId, parseCorrelationId } from '../../../shared/files/correlation-id.ts';
import { type FileId, idAt, positionOf } from '../../../shared/files/file-id.ts';
import { type Handle, toHandle } from '../../../shared/files/handle.ts';
import type { FileRecord } from '../../../shared/files/record.ts';
import { authenticate } from '../../../shared/http/authenticate.ts';
import { invalidRequest } from '../../../shared/http/problems.ts';
import { sendJson } from '../../../shared/http/respond.ts';
import { type Principal, parsePrincipal } from '../../../shared/identity/principal.ts';
import type { Logger } from '../../../shared/runtime/log.ts';
import type { Files } from '../files.ts';
import { handleFor } from '../handle-for.ts';
import { listFiles, STATES, type State } from '../list.ts';
import { listShared, parseSharedPosition } from '../list-shared.ts';
import type { Route } from '../router.ts';
import { cursorOf, limitOf, nextLink, positionIn } from './paging.ts';

/** The files of the caller or, for an administrator, of an owner; with `shared=with-me` those of others that the caller sees. */
export function getFiles(files: Files): Route {
  return async ({ path, query, request, response, signal, log }) => {
    const list = isSharedWithMe(query) ? sharedPage : ownPage;
    const page = await list({ ...files, log }, request, query, signal);
    const headers = page.next === undefined ? {} : nextLink(path, query, page.next);
    sendJson(response, 200, 'application/json', page, headers);
  };
}

interface HandlePage {
  readonly files: readonly Handle[];
  /** Cursor of the next page; absent at the end. */
  readonly next?: string;
}

type ListPage = (
  files: Files & { readonly log: Logger },
  request: IncomingMessage,
  query: URLSearchParams,
  signal: AbortSignal,
) => Promise<HandlePage>;

const ownPage: ListPage = async ({ tokens, records, filesUrl, log }, request, query, signal) => {
  const named = query.get('owner');
  const caller = await (named === null
    ? authenticate(tokens, request, 'read', 'admin')
    : authenticate(tokens, request, 'admin'));
  const owner = named === null ? caller.principal : ownerOf(named);
  const wanted = { owner, ...filterOf(query), after: idFrom(owner, query) };
  const { items, next } = await listFiles(records, log, wanted, signal);
  return pageOf(items, next && positionOf(next), (record) => toHandle(record, filesUrl, { forOwner: true }));
};

const sharedPage: ListPage = async (files, request, query, signal) => {
  const caller = await authenticate(files.tokens, request, 'read');
  const wanted = { caller, ...filterOf(query), after: positionIn(query, parseSharedPosition) };
  const { items, next } = await listShared(files, wanted, signal);
  return pageOf(items, next, (record) => handleFor(caller, record, files));
};

function pageOf(
  items: readonly FileRecord[],
  next: string | undefined,
  handleOf: (record: FileRecord) => Handle,
): HandlePage {
  return { files: items.map(handleOf), ...(next !== undefined && { next: cursorOf(next) }) };
}

function isSharedWithMe(query: URLSearchParams): boolean {
  const value = query.get('shared');
  if (value === null) return false;
  if (value === 'with-me' && !query.has('owner')) return true;
  throw invalidRequest('shared should be with-me, and comes without owner.');
}

function filterOf(query: URLSearchParams) {
  return { states: statesOf(query), correlationId: correlationIdOf(query), limit: limitOf(query) };
}

function idFrom(owner: Principal, query: URLSearchParams): FileId | undefined {
  const position = positionIn(query, (text) => idAt(owner, text) && text);
  return position === undefined ? undefined : idAt(owner, position);
}

function ownerOf(text: string): Principal {
  const owner = parsePrincipal(text);
  if (owner) return owner;
  throw invalidRequest('owner should be a principal such as org:889640782.');
}

function correlationIdOf(query: URLSearchParams): CorrelationId | undefined {
  const text = query.get('correlationId');
  if (text === null) return undefined;
  const id = parseCorrelationId(text);
  if (id) return id;
  throw invalidRequest('correlationId is not one that a file can have.');
}

/** `state=clean,pending` as well as `state=clean&state=pending`. */
function statesOf(query: URLSearchParams): ReadonlySet<State> {
  const known = Object.keys(STATES) as State[];
  const words = query.getAll('state').flatMap((value) => value.split(','));
  if (words.length === 0) return new Set(known.filter((state) => STATES[state]));
  const states = known.filter((state) => words.includes(state));
  if (words.every((word) => known.some((state) => state === word))) return new Set(states);
  throw invalidRequest(`state should be some of ${known.join(', ')}.`);
}
