import * as v from 'valibot';
import { Problem } from '../../shared/http/problems.ts';
import type { RequestContext } from '../../shared/http/service.ts';

/** A call of the sweeper, which {@link admitCaller} has let in. */
export interface Call {
  /** Parsed; null where there is none, undefined where the route reads it. */
  readonly body: unknown;
  /** Email of the account. */
  readonly by: string;
}

export type Route = (context: RequestContext, call: Call) => Promise<void>;

/** The routes of one path. */
export type Methods = Readonly<Partial<Record<'GET' | 'POST' | 'PUT' | 'DELETE', Route>>>;

/** @throws {Problem} 405 */
export function routeFor(methods: Methods, method: string | undefined): Route {
  const route = Object.hasOwn(methods, method ?? '') ? methods[method as keyof Methods] : undefined;
  if (route) return route;
  throw new Problem('method-not-allowed', { headers: { allow: Object.keys(methods).join(', ') } });
}

/** @throws {Problem} that tells what to send */
export function parsed<const Schema extends v.GenericSchema>(
  schema: Schema,
  body: unknown,
  expected: string,
): v.InferOutput<Schema> {
  const order = v.safeParse(schema, body);
  if (order.success) return order.output;
  throw new Problem('invalid-request', { detail: `Send JSON, ${expected}, as application/json.` });
}
