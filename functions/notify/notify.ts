import type { LookupFunction } from 'node:net';
import { admitCallback, type CallbackPolicy } from '../../shared/files/callback-url.ts';
import type { FileRecord } from '../../shared/files/record.ts';
import { RECORDS_PREFIX, type Records } from '../../shared/files/records.ts';
import type { Logger } from '../../shared/runtime/log.ts';
import type { Bucket } from '../../shared/storage/bucket.ts';
import type { Span, Tracing } from '../../shared/tracing/tracing.ts';
import type { Destinations } from './destinations.ts';
import { type Answer, post } from './post.ts';
import type { PushedEvent } from './pushed-event.ts';
import { type CallbackKeys, signedHeaders } from './signature.ts';

export interface NotifyDeps {
  readonly permanent: Bucket;
  readonly records: Pick<Records, 'parse'>;
  readonly policy: CallbackPolicy;
  readonly keys: CallbackKeys;
  readonly destinations: Destinations;
  readonly lookup: LookupFunction;
  /** Milliseconds for one delivery. */
  readonly timeoutMs: number;
  readonly now: () => Date;
  readonly tracing: Tracing;
  /** Span of the delivery. */
  readonly span: Span;
  readonly log: Logger;
}

export type Outcome =
  | 'delivered'
  /** The receiver wants no more of it: 410. */
  | 'gone'
  /** The file has no callback, or one that this deployment no longer allows. */
  | 'unwanted'
  /** Try again: its origin has enough under way, or wants none for now. */
  | 'busy'
  /** Try again. */
  | 'failed';

const NO_CALLBACK = { refusal: 'The file has no callback URL.' };

/**
 * Posts an event to the callback URL of its file. The URL is read from the record, and is not in the event, which
 * all subscribers see. A crash after the answer of the receiver sends it again, with the same webhook-id.
 * @throws {StorageError}, {CorruptRecord}: the event should come back
 */
export async function notify(deps: NotifyDeps, event: PushedEvent): Promise<Outcome> {
  const { destinations, policy, log } = deps;
  const record = await recordOf(deps, event);
  const facts = { fileId: event.fileId, attempt: event.attempt };
  const admitted = record?.callbackUrl ? admitCallback(record.callbackUrl, policy) : NO_CALLBACK;
  if ('refusal' in admitted || !record) {
    log.warn({ ...facts, ...admitted }, 'callback skipped');
    return 'unwanted';
  }
  const url = new URL(admitted.url);
  const { origin } = url;
  using share = destinations.take(origin);
  if (!share) {
    log.info({ ...facts, origin }, 'callback postponed');
    return 'busy';
  }
  const answer = await delivered(deps, event, record, url);
  if ('error' in answer) {
    log.warn({ ...facts, origin, reason: answer.error }, 'callback not delivered');
    return 'failed';
  }
  const { status, retryAfter } = answer;
  if (status >= 200 && status < 300) {
    log.info({ ...facts, origin, status }, 'callback delivered');
    return 'delivered';
  }
  log.warn({ ...facts, origin, status, reason: `status ${status}` }, 'callback not delivered');
  if (status === 410) return 'gone';
  if (status === 429 || status === 503) destinations.pause(origin, retryAfter);
  return 'failed';
}

async function recordOf(
  { permanent, records }: NotifyDeps,
  { fileId }: PushedEvent,
): Promise<FileRecord | undefined> {
  const file = await permanent.stat(RECORDS_PREFIX + fileId);
  return file && records.parse({ file })?.record;
}

async function delivered(
  { keys, lookup, timeoutMs, now, tracing, span: parent }: NotifyDeps,
  { id, body }: PushedEvent,
  { owner }: FileRecord,
  url: URL,
): Promise<Answer | { readonly error: string }> {
  // Of the URL, the path may be a secret of the receiver.
  const attributes = {
    'http.request.method': 'POST',
    'server.address': url.hostname,
    'server.port': Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
  };
  const span = tracing.start('POST', { kind: 'client', parent, attributes });
  const headers = {
    'content-type': 'application/cloudevents+json; charset=utf-8',
    'user-agent': 'hops-fileshare',
    traceparent: span.traceparent,
    ...signedHeaders(id, now(), body, { owner, keys }),
  };
  try {
    const answer = await post(url, { headers, body, lookup, timeoutMs });
    span.set({ 'http.response.status_code': answer.status });
    span.end(answer.status >= 400 ? String(answer.status) : undefined);
    return answer;
  } catch (error) {
    const reason = reasonOf(error);
    span.end(reason);
    return { error: reason };
  }
}

/** A short word for log lines and metrics: messages of network errors may have addresses in them. */
function reasonOf(error: unknown): string {
  const { code, name } = error as NodeJS.ErrnoException;
  if (name === 'ForbiddenAddress') return name;
  return code === 'ABORT_ERR' || name === 'TimeoutError' ? 'timeout' : (code ?? name);
}
