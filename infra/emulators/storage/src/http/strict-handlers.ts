import type { Latency } from '../../../common/latency/latency.ts';
import type { Answer } from '../answer.ts';
import type { ServedOperation } from '../operation.ts';
import type { Call, Handler } from './call.ts';
import { checkParameters } from './parameters.ts';
import { selectFields } from './partial-response.ts';
import { checkHeaders } from './request-headers.ts';

type Handlers = Readonly<Record<ServedOperation, Handler>>;

/**
 * The same handlers, behind a check that refuses whatever they would ignore.
 * @param latency how long each takes; nothing without it
 */
export function strictHandlers(handlers: Handlers, latency: Latency | undefined): Handlers {
  const strict: Partial<Record<ServedOperation, Handler>> = {};
  for (const operation of Object.keys(handlers) as ServedOperation[]) {
    const answer = (call: Call) => answerStrictly(operation, handlers[operation], call);
    strict[operation] = latency ? (call) => latency.around(operation, () => answer(call)) : answer;
  }
  return strict as Handlers;
}

async function answerStrictly(operation: ServedOperation, handler: Handler, call: Call): Promise<Answer> {
  const { route, query, headers, method } = call;
  checkParameters(operation, route, query);
  checkHeaders(operation, method, headers);
  return selectFields(operation, query.get('fields'), await handler(call));
}
