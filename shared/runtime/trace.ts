import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

declare const traceparent: unique symbol;
/** A trace and the span within it, as W3C Trace Context writes them in version 00: https://www.w3.org/TR/trace-context/ */
export type Traceparent = string & { readonly [traceparent]: true };

const VERSION_00 = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
/** A later version begins as 00 does, and may say more behind it. */
const LATER = /^(?!00|ff)[0-9a-f]{2}(-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})(?:-.*)?$/;
/** Trace in hex, span as a decimal number, and whether it is sampled: https://cloud.google.com/trace/docs/trace-context */
const CLOUD_TRACE = /^([0-9a-f]{32})\/(\d{1,20})(?:;o=([01]))?$/i;

export function parseTraceparent(text: string): Traceparent | undefined {
  return VERSION_00.test(text) ? (text as Traceparent) : undefined;
}

/** The span of a request's sender, as that or the front end of Cloud Run names it; undefined where neither does. */
export function sentTraceparent(headers: IncomingHttpHeaders): Traceparent | undefined {
  const sent = String(headers['traceparent'] ?? '');
  const known = sent.replace(LATER, '00$1');
  return parseTraceparent(known) ?? cloudTrace(String(headers['x-cloud-trace-context'] ?? ''));
}

function cloudTrace(header: string): Traceparent | undefined {
  const [, trace, span, sampled = '0'] = CLOUD_TRACE.exec(header) ?? [];
  if (trace === undefined || span === undefined) return undefined;
  const hex = BigInt(span).toString(16).padStart(16, '0');
  return parseTraceparent(`00-${trace.toLowerCase()}-${hex}-0${sampled}`);
}

export function newTraceparent(): Traceparent {
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00` as Traceparent;
}

/** Whether two spans are of the same trace. */
export function isOneTrace(a: Traceparent, b: Traceparent): boolean {
  return a.slice(3, 35) === b.slice(3, 35);
}

/** The fields that Cloud Logging joins log lines by: https://cloud.google.com/logging/docs/structured-logging */
export function traceFields(traceparent: Traceparent, project: string): Record<string, string | boolean> {
  const [, trace, span = '', flags = ''] = traceparent.split('-');
  return {
    'logging.googleapis.com/trace': `projects/${project}/traces/${trace}`,
    'logging.googleapis.com/spanId': span,
    'logging.googleapis.com/trace_sampled': (Number.parseInt(flags, 16) & 1) === 1,
  };
}
