import type { IncomingMessage } from 'node:http';
import { http } from '@google-cloud/functions-framework';
import * as v from 'valibot';
import { callbackOrigins } from '../../shared/files/callback-url.ts';
import { Records } from '../../shared/files/records.ts';
import { drainOnSignals } from '../../shared/framework/drain.ts';
import { Problem } from '../../shared/http/problems.ts';
import { sendHead } from '../../shared/http/respond.ts';
import { httpService, type RequestContext } from '../../shared/http/service.ts';
import { commonVariables, flag, integer, readConfig } from '../../shared/runtime/config.ts';
import { createLog } from '../../shared/runtime/log.ts';
import { traceFields } from '../../shared/runtime/trace.ts';
import { Bucket } from '../../shared/storage/bucket.ts';
import { connectStorage } from '../../shared/storage/connect.ts';
import { openTracing } from '../../shared/tracing/connect.ts';
import { startProcessing } from '../../shared/tracing/delivery.ts';
import { Destinations } from './destinations.ts';
import { type NotifyDeps, notify, type Outcome } from './notify.ts';
import { dnsResolver, publicLookup, systemResolver } from './public-address.ts';
import { type PushedEvent, pushedEvent } from './pushed-event.ts';
import { callbackKeys } from './signature.ts';

const config = readConfig(
  {
    ...commonVariables,
    CALLBACK_ORIGINS: callbackOrigins,
    CALLBACK_KEYS: callbackKeys,
    CALLBACK_LOOPBACK: v.optional(flag, 'false'),
    CALLBACK_TIMEOUT_SECONDS: v.optional(integer(1, 60), '10'),
    CALLBACKS_PER_ORIGIN: v.optional(integer(1, 1_000), '8'),
  },
  process.env,
);
const log = createLog('notify', config.LOG_LEVEL);
const tracing = await openTracing('notify', config, log);
const storage = connectStorage(config.STORAGE_EMULATOR_HOST, config.EMULATOR_CREDENTIALS);
const permanent = new Bucket(storage, config.PERMANENT_BUCKET, {
  timeoutMs: config.STORAGE_TIMEOUT_SECONDS * 1000,
});
const loopback = config.CALLBACK_LOOPBACK && config.STORAGE_EMULATOR_HOST !== undefined;
const now = () => new Date();
const deps: Omit<NotifyDeps, 'span' | 'log'> = {
  permanent,
  records: new Records(permanent),
  policy: { origins: config.CALLBACK_ORIGINS, loopback },
  keys: config.CALLBACK_KEYS,
  destinations: new Destinations(config.CALLBACKS_PER_ORIGIN, now),
  lookup: publicLookup(loopback ? systemResolver : dnsResolver(), loopback),
  timeoutMs: config.CALLBACK_TIMEOUT_SECONDS * 1000,
  now,
  tracing,
};

/** Any status but success is a "no" to Pub/Sub, which sends the event again. */
const ANSWERS: Readonly<Record<Outcome, number>> = {
  delivered: 204,
  gone: 204,
  unwanted: 204,
  busy: 429,
  failed: 502,
};

drainOnSignals(log, () => tracing.flush());
http(
  'notify',
  httpService({
    log,
    tracing,
    pushed: true,
    project: config.GOOGLE_CLOUD_PROJECT,
    filesUrl: undefined,
    requestTimeoutSeconds: config.REQUEST_TIMEOUT_SECONDS,
    handler,
  }),
);

async function handler({ request, response, path, audit, span: pushed }: RequestContext): Promise<void> {
  if (path !== '/') throw new Problem('not-found');
  if (request.method !== 'POST') throw new Problem('method-not-allowed', { headers: { allow: 'POST' } });
  audit.action = 'notify';
  const { body } = request as IncomingMessage & { body?: unknown };
  const event = pushedEvent(body);
  const span = startProcessing(tracing, body, { about: event?.traceparent, request: pushed.traceparent });
  const traced = log.child(traceFields(span.traceparent, config.GOOGLE_CLOUD_PROJECT));
  if (event) audit.fileId = event.fileId;
  else traced.warn('event without a callback ignored');
  const outcome = event ? await notified({ ...deps, log: traced, span }, event) : 'unwanted';
  sendHead(response, ANSWERS[outcome], { 'content-length': '0' });
  response.end();
}

async function notified(deps: NotifyDeps, event: PushedEvent): Promise<Outcome> {
  const { span } = deps;
  span.set({ 'fileshare.file.id': event.fileId });
  try {
    const outcome = await notify(deps, event);
    span.end(ANSWERS[outcome] >= 300 ? outcome : undefined);
    return outcome;
  } catch (error) {
    span.end((error as Error).name);
    throw error;
  }
}
