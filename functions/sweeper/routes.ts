import * as v from 'valibot';
import { parseInstant } from '../../shared/files/ends.ts';
import type { Action } from '../../shared/http/audit.ts';
import { invalidRequest, Problem } from '../../shared/http/problems.ts';
import type { RequestContext } from '../../shared/http/service.ts';

/** A call of the sweeper, which {@link admitCaller} has let in. */
export interface Call {
  /** Parsed; null where there is none, undefined where the route reads it. */
  readonly body: unknown;
  /** Email of the account. */
  readonly by: string;
}

/**
 * Does the work of a call, with dependencies of its request.
 * @returns the answer, which is sent as JSON; undefined where it has been sent
 */
export type Route<Deps> = (deps: Deps, context: RequestContext, call: Call) => Promise<object | undefined>;

/** The routes of one path. */
interface Methods<Deps> {
  readonly action: Action;
  /** Query parameters; absent where there are none. */
  readonly parameters?: readonly string[];
  readonly GET?: Route<Deps>;
  readonly POST?: Route<Deps>;
  readonly PUT?: Route<Deps>;
  readonly DELETE?: Route<Deps>;
}

/** Routes by their paths. */
export type Routes<Deps> = Readonly<Record<string, Methods<Deps>>>;

/** @throws {Problem} 405 */
export function routeFor<Deps>(
  { action: _, parameters: __, ...routes }: Methods<Deps>,
  method = '',
): Route<Deps> {
  const route = Object.hasOwn(routes, method) ? routes[method as keyof typeof routes] : undefined;
  if (route) return route;
  throw new Problem('method-not-allowed', { headers: { allow: Object.keys(routes).join(', ') } });
}

/** @throws {Problem} that tells what to send */
export function parsed<const Schema extends v.GenericSchema>(
  schema: Schema,
  body: unknown,
  expected: string,
): v.InferOutput<Schema> {
  const order = v.safeParse(schema, body);
  if (order.success) return order.output;
  throw invalidRequest(`Send JSON, ${expected}, as application/json.`);
}

/** RFC 3339, in an order. */
export const Time = v.pipe(v.string(), v.transform(parseInstant), v.date());
