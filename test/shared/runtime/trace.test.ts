import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  newTraceparent,
  parseTraceparent,
  sentTraceparent,
  traceFields,
} from '../../../shared/runtime/trace.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const SENT = `00-${TRACE}-${SPAN}-01`;

describe('the trace of a request', () => {
  it('is the one that its sender names', () => {
    const headers = { traceparent: SENT, 'x-cloud-trace-context': `${'a'.repeat(32)}/1;o=1` };
    assert.equal(sentTraceparent(headers), SENT);
  });

  it('is that of a later version of the header, as far as it is known', () => {
    assert.equal(sentTraceparent({ traceparent: `cc-${TRACE}-${SPAN}-01-what-comes` }), SENT);
    assert.equal(sentTraceparent({ traceparent: `01-${TRACE}-${SPAN}-01` }), SENT);
  });

  it("is the one of Cloud Run's front end where the sender names none", () => {
    const from = (header: string) => sentTraceparent({ 'x-cloud-trace-context': header });
    assert.equal(from(`${TRACE}/67667974448284343;o=1`), SENT);
    assert.equal(from(`${TRACE.toUpperCase()}/67667974448284343`), `00-${TRACE}-${SPAN}-00`);
    assert.equal(from(`${TRACE}/18446744073709551615;o=0`), `00-${TRACE}-${'f'.repeat(16)}-00`);
  });

  for (const [what, headers] of [
    ['neither names one', {}],
    ['the trace is all zeros', { traceparent: `00-${'0'.repeat(32)}-${SPAN}-01` }],
    ['the span is all zeros', { traceparent: `00-${TRACE}-${'0'.repeat(16)}-01` }],
    ['the version is the one that is forbidden', { traceparent: `ff-${TRACE}-${SPAN}-01` }],
    ['version 00 says more', { traceparent: `${SENT}-more` }],
    ['it is in upper case', { traceparent: SENT.toUpperCase() }],
    ['the span of the front end is no 64 bits', { 'x-cloud-trace-context': `${TRACE}/${'9'.repeat(20)}` }],
    ['the span of the front end is 0', { 'x-cloud-trace-context': `${TRACE}/0;o=1` }],
  ] as const) {
    it(`is unknown where ${what}`, () => {
      assert.equal(sentTraceparent(headers), undefined);
    });
  }

  it('is a traceparent or unknown, whatever is sent', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (traceparent, cloud) => {
        const made = sentTraceparent({ traceparent, 'x-cloud-trace-context': cloud });
        assert.equal(made && parseTraceparent(made), made);
      }),
    );
  });

  it('joins log lines by the fields of Cloud Logging', () => {
    const sent = sentTraceparent({ traceparent: SENT });
    assert.ok(sent);
    assert.deepEqual(traceFields(sent, 'p'), {
      'logging.googleapis.com/trace': `projects/p/traces/${TRACE}`,
      'logging.googleapis.com/spanId': SPAN,
      'logging.googleapis.com/trace_sampled': true,
    });
  });

  it('is not sampled where it is a new one', () => {
    const made = newTraceparent();
    assert.equal(parseTraceparent(made), made);
    assert.notEqual(made, newTraceparent());
    assert.equal(traceFields(made, 'p')['logging.googleapis.com/trace_sampled'], false);
  });
});
