import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { invalid, notFound } from '../api-error.ts';
import type { Operation } from '../operation.ts';
import type { Effect } from './faults.ts';

const CONNECTION_FAULT = /^return-(reset-connection|broken-stream)$/;
const STATUS = /^return-([45]\d\d)$/;
const BROKEN_STREAM_AFTER = /^return-broken-stream-after-(\d{1,6})K$/;
const STATUS_AFTER = /^return-([45]\d\d)-after-(\d{1,6})K$/;
const INSTRUCTIONS = [CONNECTION_FAULT, STATUS, BROKEN_STREAM_AFTER, STATUS_AFTER];

/** Bytes of an answer that a broken stream lets through, as Google's storage-testbench has it. */
const BROKEN_STREAM_BYTES = 4;

interface RetryTest {
  readonly id: string;
  /**
   * Instructions by JSON API method, such as `storage.objects.insert`: what strikes its next requests, one after
   * another.
   */
  readonly instructions: Readonly<Record<string, string[]>>;
}

/** A retry test as its API shows it. `completed`: every instruction has struck. */
type RetryTestReport = RetryTest & { readonly completed: boolean; readonly transport: 'HTTP' };

/**
 * Faults for the requests that carry `x-retry-test-id`, as conformance tests of client libraries order them. Source:
 * https://github.com/googleapis/storage-testbench#retry-test-api, of which this is the part that Google's published
 * retry cases use.
 */
export class RetryTests {
  readonly #tests = new Map<string, RetryTest>();

  /** @throws ApiError 400 */
  create(order: Readonly<Record<string, unknown>>): RetryTestReport {
    const { instructions } = order;
    if (typeof instructions !== 'object' || instructions === null)
      throw invalid('instructions are not defined');
    const entries = Object.entries(instructions).map(([method, list]): [string, string[]] => {
      if (!Array.isArray(list) || !list.every(isInstruction)) throw invalid(`Instructions for ${method}`);
      return [method, [...list]];
    });
    const test = { id: randomUUID(), instructions: Object.fromEntries(entries) };
    this.#tests.set(test.id, test);
    return report(test);
  }

  /** @throws ApiError 404 */
  get(id: string): RetryTestReport {
    return report(this.#test(id));
  }

  /** @throws ApiError 404 */
  delete(id: string): void {
    this.#tests.delete(this.#test(id).id);
  }

  list(): { readonly retry_test: readonly RetryTestReport[] } {
    return { retry_test: [...this.#tests.values()].map(report) };
  }

  /** Returns the instruction that strikes this request, and uses it up. @throws ApiError 404 for an unknown test */
  strike(operation: Operation, headers: IncomingHttpHeaders): Effect[] {
    const id = headers['x-retry-test-id'];
    if (typeof id !== 'string') return [];
    const queue = this.#test(id).instructions[methodOf(operation)];
    const effect = queue?.[0] === undefined ? undefined : effectOf(queue[0], operation, headers);
    if (effect === undefined) return [];
    queue?.shift();
    return [effect];
  }

  #test(id: string): RetryTest {
    const test = this.#tests.get(id);
    if (test === undefined) throw notFound(`Retry Test ${id} does not exist.`);
    return test;
  }
}

const isInstruction = (text: unknown): text is string =>
  typeof text === 'string' && INSTRUCTIONS.some((form) => form.test(text));

function report(test: RetryTest): RetryTestReport {
  const completed = Object.values(test.instructions).every((queue) => queue.length === 0);
  return { ...test, completed, transport: 'HTTP' };
}

function methodOf(operation: Operation): string {
  if (operation === 'objects.getMedia') return 'storage.objects.get';
  if (operation === 'resumable.cancel') return 'storage.objects.delete';
  return operation.startsWith('resumable.') ? 'storage.objects.insert' : `storage.${operation}`;
}

/** @returns undefined where the instruction waits for another request */
function effectOf(
  instruction: string,
  operation: Operation,
  headers: IncomingHttpHeaders,
): Effect | undefined {
  const status = STATUS.exec(instruction)?.[1];
  if (status !== undefined) return { kind: 'error', status: Number(status) };
  const fault = CONNECTION_FAULT.exec(instruction)?.[1];
  if (fault === 'reset-connection') return { kind: 'reset', when: 'before' };
  if (fault === 'broken-stream') {
    if (operation !== 'objects.getMedia') return { kind: 'reset', when: 'after' };
    return { kind: 'truncate', bytes: BROKEN_STREAM_BYTES };
  }
  const broken = BROKEN_STREAM_AFTER.exec(instruction)?.[1];
  if (broken !== undefined) {
    return operation === 'objects.getMedia' ? { kind: 'truncate', bytes: Number(broken) * 1024 } : undefined;
  }
  const [, late, kibibytes] = STATUS_AFTER.exec(instruction) ?? [];
  if (operation !== 'objects.insert' && operation !== 'resumable.chunk') return undefined;
  const start = Number(/^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1] ?? 0);
  const bytes = Math.max(0, Number(kibibytes) * 1024 - start);
  const length = Number(headers['content-length'] ?? Number.POSITIVE_INFINITY);
  return length < bytes ? undefined : { kind: 'truncate', bytes, status: Number(late) };
}
