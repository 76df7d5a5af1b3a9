import type { Answer } from './answer.ts';
import type { Call, Handler } from './call.ts';
import type { ServedOperation } from './operation.ts';
import { checkParameters } from './parameters.ts';
import { selectFields } from './partial-response.ts';
import { checkHeaders } from './request-headers.ts';

type Handlers = Readonly<Record<ServedOperation, Handler>>;

/** The same handlers, behind a check that refuses whatever they would ignore. */
export function strictHandlers(handlers: Handlers): Handlers {
  const strict: Partial<Record<ServedOperation, Handler>> = {};
  for (const operation of Object.keys(handlers) as ServedOperation[]) {
    strict[operation] = (call) => answerStrictly(operation, handlers[operation], call);
  }
  return strict as Handlers;
}

async function answerStrictly(operation: ServedOperation, handler: Handler, call: Call): Promise<Answer> {
  const { route, query, headers, method } = call;
  checkParameters(operation, route, query);
  checkHeaders(operation, method, headers);
  return selectFields(operation, query.get('fields'), await handler(call));
}
