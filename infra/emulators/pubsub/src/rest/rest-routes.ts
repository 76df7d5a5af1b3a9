import type { Method } from '../protos.ts';
import { unaryMethods } from '../services.ts';

export interface Route {
  readonly method: Method;
  /** Request fields that the path gives, by their dotted name. */
  readonly fields: Readonly<Record<string, string>>;
}

interface Template {
  readonly verb: string;
  readonly pattern: RegExp;
  readonly fields: readonly string[];
  readonly method: Method;
}

const verbs = ['get', 'put', 'post', 'patch', 'delete'];

/** The routes as the definitions themselves state them (google.api.http, google/api/http.proto). */
const templates: readonly Template[] = unaryMethods.flatMap((method) =>
  verbs.flatMap((verb) => {
    const path: unknown = method.options?.[`(google.api.http).${verb}`];
    return typeof path === 'string' ? [templateOf(verb, path, method)] : [];
  }),
);

// `/v1/{topic=projects/*/topics/*}:publish` becomes a pattern that captures `topic`.
function templateOf(verb: string, path: string, method: Method): Template {
  const fields: string[] = [];
  const source = path.replace(/\{([\w.]+)=([^}]+)\}|[.*+?^${}()|[\]\\]/g, (part, field, segments) => {
    if (field === undefined) return `\\${part}`;
    fields.push(field);
    return `(${segments.replaceAll('*', '[^/:]+')})`;
  });
  return { verb: verb.toUpperCase(), pattern: new RegExp(`^${source}$`), fields, method };
}

/** The method that a request calls, or undefined. */
export function routeOf(verb: string | undefined, path: string): Route | undefined {
  for (const { verb: own, pattern, fields, method } of templates) {
    const match = own === verb ? pattern.exec(path) : null;
    if (!match) continue;
    const values = fields.map((field, index) => [field, decoded(match[index + 1] ?? '')]);
    return { method, fields: Object.fromEntries(values) };
  }
  return undefined;
}

// A resource id may hold its own percent sign.
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
