import type { IncomingMessage } from 'node:http';
import * as v from 'valibot';
import type { EmulatedIam } from '../../../common/iam/emulated-iam.ts';
import { type Answer, empty, json } from '../answer.ts';
import { ApiError, invalid } from '../api-error.ts';
import type { FaultRule, Faults } from '../faults/faults.ts';
import type { RetryTests } from '../faults/retry-tests.ts';
import { readRecord } from '../json-body.ts';
import { isOperation, type Operation } from '../operation.ts';
import type { OperationCounts } from '../operation-counts.ts';
import type { MutationLimit } from '../state/mutation-limit.ts';
import type { Store } from '../state/store.ts';
import { requestBody } from './request-body.ts';

const natural = v.pipe(v.number(), v.integer(), v.minValue(0));
const positive = v.pipe(v.number(), v.integer(), v.minValue(1));
const when = v.picklist(['before', 'after']);

const Effect = v.variant('kind', [
  v.object({
    kind: v.literal('error'),
    status: v.pipe(v.number(), v.integer(), v.minValue(400), v.maxValue(599)),
    reason: v.optional(v.string()),
    retryAfter: v.optional(natural),
    when: v.optional(when),
  }),
  v.object({ kind: v.literal('delay'), ms: natural }),
  v.object({ kind: v.literal('reset'), when }),
  v.object({ kind: v.literal('truncate'), bytes: natural }),
  v.object({ kind: v.literal('stall'), when: v.optional(when) }),
  v.object({ kind: v.literal('corrupt') }),
  v.object({ kind: v.literal('duplicate') }),
]);

const Rule = v.strictObject({
  operation: v.custom<Operation>(isOperation, 'unknown operation'),
  bucket: v.optional(v.string()),
  namePrefix: v.optional(v.string()),
  nth: v.optional(positive),
  times: v.optional(positive),
  effect: Effect,
});

const Limit = v.strictObject({ enabled: v.boolean() });

interface Controlled {
  readonly faults: Faults;
  readonly counts: OperationCounts;
  readonly mutationLimit: MutationLimit;
  readonly retryTests: RetryTests;
  readonly iam: EmulatedIam | undefined;
  readonly store: Store;
}

/**
 * `emulator.faults` and `emulator.operations` for other processes: `POST /_emulator/faults` with a rule, `GET` (how
 * many have struck since the last `DELETE`) and `DELETE /_emulator/faults`, `PUT /_emulator/mutation-limit` with
 * `{"enabled":true}`, `GET` and `DELETE /_emulator/operations`, `GET /_emulator/notifications`, `POST
 * /_emulator/lifecycle`; `/_emulator/iam`; and Google's API for retry tests.
 * @see EmulatedIam.control
 * @see RetryTests
 * @throws ApiError 400 | 404
 */
export async function control(
  request: IncomingMessage,
  path: string,
  { faults, counts, mutationLimit, retryTests, iam, store }: Controlled,
): Promise<Answer> {
  if (path.startsWith('/retry_test')) return controlRetryTests(request, path, retryTests);
  if (path === '/_emulator/iam') return json(200, await controlIam(iam, request));
  switch (`${request.method} ${path}`) {
    case 'POST /_emulator/faults': {
      faults.add((await ordered(Rule, request)) satisfies FaultRule);
      return empty(204);
    }
    case 'PUT /_emulator/mutation-limit': {
      mutationLimit.enabled = (await ordered(Limit, request)).enabled;
      return empty(204);
    }
    case 'GET /_emulator/faults':
      return json(200, { struck: faults.struck });
    case 'DELETE /_emulator/faults':
      faults.clear();
      return empty(204);
    case 'GET /_emulator/operations':
      return json(200, counts.report());
    case 'GET /_emulator/notifications':
      return json(200, waitingIn(store));
    case 'POST /_emulator/lifecycle':
      return json(200, { deleted: store.applyLifecycle() });
    case 'DELETE /_emulator/operations':
      counts.reset();
      return empty(204);
    default:
      throw new ApiError(404, 'notFound', 'Not Found');
  }
}

/** Notifications that nobody has acknowledged, and for how long the oldest waits. */
function waitingIn(store: Store): object {
  const { notices } = store.state;
  const now = store.now();
  const oldest = [...notices.values()].reduce(
    (first, { object }) => Math.min(first, object.timeCreated),
    now,
  );
  return { messages: notices.size, oldestSeconds: (now - oldest) / 1000 };
}

/** @throws ApiError 400 */
async function ordered<const Schema extends v.GenericSchema>(
  schema: Schema,
  request: IncomingMessage,
): Promise<v.InferOutput<Schema>> {
  const order = v.safeParse(schema, await readRecord(requestBody(request, () => undefined)));
  if (!order.success) throw invalid(order.issues.map((issue) => issue.message).join('; '));
  return order.output;
}

async function controlRetryTests(
  request: IncomingMessage,
  path: string,
  retryTests: RetryTests,
): Promise<Answer> {
  const id = /^\/retry_test\/([^/]+)$/.exec(path)?.[1];
  switch (`${request.method} ${id === undefined ? path : 'ID'}`) {
    case 'GET /retry_tests':
      return json(200, retryTests.list());
    case 'POST /retry_test':
      return json(200, retryTests.create(await readRecord(requestBody(request, () => undefined))));
    case 'GET ID':
      return json(200, retryTests.get(id ?? ''));
    case 'DELETE ID':
      retryTests.delete(id ?? '');
      return empty(200);
    default:
      throw new ApiError(404, 'notFound', 'Not Found');
  }
}

/** @throws ApiError 404 where nothing is enforced */
async function controlIam(iam: EmulatedIam | undefined, request: IncomingMessage): Promise<object> {
  const body = request.method === 'PUT' ? await readRecord(requestBody(request, () => undefined)) : {};
  const answer = iam?.control(request.method, body);
  if (!answer) throw new ApiError(404, 'notFound', 'Not Found');
  return answer;
}
