import type { Action } from '../../shared/http/audit.ts';
import { invalidRequest, Problem } from '../../shared/http/problems.ts';
import { requireKnown } from '../../shared/http/query.ts';
import { refuseHeaders } from '../../shared/http/refuse-headers.ts';
import type { RequestContext } from '../../shared/http/service.ts';

/** @param item what stands behind the resource's name in the path, as it was sent; '' where nothing does */
export type Route = (context: RequestContext, id: string, item: string) => Promise<void>;

/** A pattern with at most two groups, and what answers each method, by what name the audit knows it. HEAD is a GET whose body Node leaves out. */
export interface Resource {
  readonly path: RegExp;
  readonly methods: Readonly<Record<string, readonly [action: Action, route: Route]>>;
  /** Query parameters that its GET knows and checks; absent: a GET has none, and ignores any. */
  readonly query?: { readonly known: readonly string[]; readonly lists?: readonly string[] };
  /** Its changes check no If-Match. */
  readonly unconditional?: true;
  /** Methods of the same path that another function answers. */
  readonly elsewhere?: readonly string[];
}

/**
 * Leads a request to what answers it.
 * @throws {Problem} 404 for another path, 405 for another method
 */
export function router(resources: readonly Resource[]) {
  return async (context: RequestContext): Promise<void> => {
    for (const resource of resources) {
      const { methods } = resource;
      const match = resource.path.exec(context.path);
      if (!match) continue;
      const method = context.request.method ?? '';
      const found = methods[method === 'HEAD' ? 'GET' : method];
      if (!found) throw notAllowed(resource, method);
      const [action, route] = found;
      context.audit.action = action;
      requireUnderstood(resource, context);
      return route(context, match[1] ?? '', match[2] ?? '');
    }
    throw new Problem('not-found');
  };
}

/** Conditions that no change checks. */
const UNCHECKED = { 'If-None-Match': 'Send If-Match.', 'If-Unmodified-Since': 'Send If-Match.' };

/** @throws {Problem} where a change would ignore a parameter or a condition, or a listing a parameter */
function requireUnderstood(
  { query, unconditional }: Resource,
  { request, query: sent }: RequestContext,
): void {
  if (request.method === 'GET' || request.method === 'HEAD') {
    if (query) requireKnown(sent, query.known, query.lists);
    return;
  }
  requireKnown(sent);
  refuseHeaders(request, UNCHECKED);
  if (unconditional) refuseHeaders(request, { 'If-Match': 'Send it without a condition.' });
}

function notAllowed(resource: Resource, method: string): Problem {
  // It came to this host name because the other function has a separate one.
  if (resource.elsewhere?.includes(method)) {
    const headers = { allow: allowed({ ...resource, elsewhere: [] }) };
    return new Problem('method-not-allowed', { headers, detail: 'Uploads have a separate host name.' });
  }
  return new Problem('method-not-allowed', { headers: { allow: allowed(resource) } });
}

function allowed({ methods, elsewhere = [] }: Resource): string {
  return [...Object.keys(methods), ...elsewhere]
    .flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    .join(', ');
}

/** A part of a path without its percent-encoding (RFC 3986 section 2.1). @throws {Problem} where that is broken */
export function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalidRequest('The percent-encoding of the path is broken.');
  }
}
