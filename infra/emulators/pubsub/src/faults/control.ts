import * as v from 'valibot';
import { invalid, isStatusName, RpcError, type StatusName } from '../core/status.ts';
import type { MethodName } from '../methods/method-name.ts';
import { unaryMethods } from '../services.ts';
import type { Faults } from './faults.ts';

const common = {
  method: v.custom<MethodName>(isMethod, 'unknown method'),
  times: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1))),
};
const after = v.exactOptional(v.boolean());

const Order = v.variant('kind', [
  v.strictObject({
    kind: v.literal('fail'),
    ...common,
    code: v.exactOptional(v.custom<StatusName>(isStatusName, 'unknown code')),
    after,
  }),
  v.strictObject({
    kind: v.literal('delay'),
    ...common,
    milliseconds: v.pipe(v.number(), v.integer(), v.minValue(0)),
  }),
  v.strictObject({ kind: v.literal('stall'), ...common, after }),
]);

/** A fault as other processes order it. */
export type FaultOrder = v.InferOutput<typeof Order>;

/**
 * `emulator.faults` for other processes: `POST /_emulator/faults` with an order, `GET` (how many calls
 * were hit since the last `DELETE`), `DELETE`.
 * @throws RpcError INVALID_ARGUMENT | NOT_FOUND
 */
export function control(httpMethod: string | undefined, faults: Faults, body: unknown): object {
  switch (httpMethod) {
    case 'POST':
      plan(faults, body);
      return {};
    case 'GET':
      return { struck: faults.struck };
    case 'DELETE':
      faults.clear();
      return {};
    default:
      throw new RpcError('NOT_FOUND', `${httpMethod} is no method of the faults.`);
  }
}

function plan(faults: Faults, body: unknown): void {
  const order = v.safeParse(Order, body);
  if (!order.success) throw invalid(order.issues.map(({ message }) => message).join('; '));
  const { kind, ...fault } = order.output;
  if (kind === 'delay') faults.delay(order.output);
  else faults[kind](fault);
}

function isMethod(name: unknown): boolean {
  return name === 'StreamingPull' || unaryMethods.some((method) => method.name === name);
}
