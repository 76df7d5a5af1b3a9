import assert from 'node:assert/strict';
import { TraceFlags } from '@opentelemetry/api';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { SpanQueue } from '../../../shared/tracing/span-queue.ts';

type Result = Parameters<Parameters<SpanExporter['export']>[1]>[0];

// The queue reads no more of a span than this.
const span = (name: string, traceFlags = TraceFlags.SAMPLED): ReadableSpan =>
  ({ name, spanContext: () => ({ traceId: '', spanId: '', traceFlags }) }) as unknown as ReadableSpan;

/** An exporter whose answers are given one by one. */
class Exporter implements SpanExporter {
  readonly batches: string[][] = [];
  results: (Result | Error | undefined)[] = [];

  export(spans: ReadableSpan[], done: (result: Result) => void): void {
    this.batches.push(spans.map(({ name }) => name));
    const result = this.results.length > 0 ? this.results.shift() : { code: 0 };
    if (result instanceof Error) throw result;
    if (result) done(result);
  }

  async shutdown(): Promise<void> {}
}

const refusal = (code?: number): Result => ({
  code: 1,
  error: Object.assign(new Error('refused'), { code }),
});

describe('spans that ended', () => {
  const create = () => {
    const exporter = new Exporter();
    const failures: [string, number][] = [];
    const queue = new SpanQueue(exporter, (...failure) => failures.push(failure));
    return { exporter, failures, queue };
  };

  it('are exported in order, and none that is not sampled', async () => {
    const { exporter, queue } = create();
    queue.onEnd(span('a'));
    queue.onEnd(span('b', TraceFlags.NONE));
    queue.onEnd(span('c'));
    await queue.forceFlush();
    await queue.forceFlush();
    assert.deepEqual(exporter.batches, [['a', 'c']]);
  });

  it('are exported where they end while an export is under way', async () => {
    const { exporter, queue } = create();
    queue.onEnd(span('a'));
    const flushed = queue.forceFlush();
    queue.onEnd(span('b'));
    await flushed;
    queue.onEnd(span('c'));
    await queue.forceFlush();
    assert.deepEqual(exporter.batches.flat(), ['a', 'b', 'c']);
  });

  for (const [what, result] of [
    ['has no answer', refusal()],
    ['is told to come later', refusal(429)],
    ['is refused by a server that fails', refusal(503)],
    ['lacks a grant', refusal(403)],
    ['fails at once', new Error('at once')],
  ] as const) {
    it(`are kept where their export ${what}, and come before later ones`, async () => {
      const { exporter, failures, queue } = create();
      exporter.results = [result];
      queue.onEnd(span('a'));
      await queue.forceFlush();
      queue.onEnd(span('b'));
      await queue.forceFlush();
      assert.deepEqual(exporter.batches, [['a'], ['a', 'b']]);
      assert.equal(failures.length, 1);
    });
  }

  it('are dropped where they are refused for what they are', async () => {
    const { exporter, queue } = create();
    exporter.results = [refusal(400)];
    queue.onEnd(span('a'));
    await queue.forceFlush();
    queue.onEnd(span('b'));
    await queue.forceFlush();
    assert.deepEqual(exporter.batches, [['a'], ['b']]);
  });

  it('are told of once where they cannot be exported, and again after a success', async () => {
    const { exporter, failures, queue } = create();
    exporter.results = [refusal(503), refusal(503), { code: 0 }, refusal(503)];
    for (const name of ['a', 'b', 'c', 'd']) {
      queue.onEnd(span(name));
      await queue.forceFlush();
    }
    assert.deepEqual(failures, [
      ['503', 1],
      ['503', 1],
    ]);
  });

  it('take a bounded room: the oldest go', async () => {
    const { exporter, queue } = create();
    exporter.results = [refusal(503)];
    for (let n = 0; n < 3_000; n++) queue.onEnd(span(String(n)));
    await queue.forceFlush();
    queue.onEnd(span('last'));
    await queue.forceFlush();
    const [, ...kept] = exporter.batches;
    assert.equal(kept.flat().length, 2_048);
    assert.deepEqual([kept[0]?.[0], kept.at(-1)?.at(-1)], ['953', 'last']);
    assert.ok(kept.every((batch) => batch.length <= 512));
  });
});
