import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { EmulatedIam } from '../../../common/iam/emulated-iam.ts';
import type { Latency } from '../../../common/latency/latency.ts';
import { isFromAnotherOrigin } from '../../../common/own-names.ts';
import type { Answer } from '../answer.ts';
import { ApiError, errorAnswer } from '../api-error.ts';
import type { Effect, Faults } from '../faults/faults.ts';
import type { RetryTests } from '../faults/retry-tests.ts';
import type { Operation, Target } from '../operation.ts';
import type { OperationCounts } from '../operation-counts.ts';
import type { MutationLimit } from '../state/mutation-limit.ts';
import type { Store } from '../state/store.ts';
import { type Access, accessOf, authorize, concealing } from './access.ts';
import type { Handler } from './call.ts';
import { control } from './control-handler.ts';
import { allowOrigin, answerPreflight } from './cors.ts';
import { sendMedia } from './media-sender.ts';
import { ConnectionCut, requestBody } from './request-body.ts';
import { type Route, route } from './router.ts';

interface Service {
  readonly store: Store;
  readonly handlers: Readonly<Record<Exclude<Operation, 'notify'>, Handler>>;
  readonly faults: Faults;
  readonly counts: OperationCounts;
  readonly mutationLimit: MutationLimit;
  readonly retryTests: RetryTests;
  readonly iam: EmulatedIam | undefined;
  readonly rates: Latency['rates'];
}

/** Answers one request; never rejects. Resolves when nothing of it is under way any more. */
export async function serve(
  service: Service,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path = '', search = ''] = (request.url ?? '').split('?', 2);
  allowOrigin(request, response, service.store.state.sessions);
  if (request.method === 'OPTIONS') return answerPreflight(request, response);
  try {
    if (path.startsWith('/_emulator/') || path.startsWith('/retry_test')) {
      if (isFromAnotherOrigin(request)) {
        throw new ApiError(403, 'forbidden', 'A page of another origin may not ask.');
      }
      await send(service, response, await control(request, path, service), []);
      return;
    }
    const query = new URLSearchParams(search);
    const matched = route(request, path, query);
    if (matched === undefined) throw new ApiError(404, 'notFound', 'Not Found');
    await operate(service, matched, query, request, response);
  } catch (error) {
    await send(service, response, failure(error, false), []);
  }
}

async function operate(
  service: Service,
  matched: Route,
  query: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { operation } = matched;
  const count = service.counts.of(operation);
  count.calls += 1;
  const effects = [
    ...service.faults.strike(operation, targets(service.store, matched)),
    ...service.retryTests.strike(operation, request.headers),
  ];
  const limit = operation === 'objects.getMedia' ? undefined : requestLimit(effects);
  const counted = (bytes: number) => (count.bytesIn += bytes);
  const body = requestBody(request, counted, limit, service.rates?.received);
  let answer: Answer | undefined;
  let access: Access | undefined;
  try {
    answer = await before(effects, request, response, service.faults.cleared);
    if (operation !== 'notify' && answer === undefined) {
      access = await accessOf(service.iam, matched, query, request.headers);
      authorize(access, matched);
      answer = await service.handlers[operation]({
        route: matched,
        method: request.method ?? '',
        access,
        query,
        headers: request.headers,
        body,
        base: `http://${request.headers.host ?? 'localhost'}`,
        cut: () => request.destroy(),
      });
      answer = (await after(effects, { request, response }, operation === 'objects.getMedia')) ?? answer;
    }
  } catch (error) {
    const told = access ? concealing(error, access, matched) : error;
    if (!(error instanceof ConnectionCut)) answer = failure(told, operation === 'objects.getMedia');
  }
  // The unread rest of a refused request precedes the next one of its connection.
  await body.return();
  request.resume();
  if (answer === undefined || answer.status >= 400 || response.destroyed) count.errors += 1;
  if (answer !== undefined && !response.destroyed) {
    count.bytesOut += await send(service, response, answer, effects);
  }
}

/** Faults that strike before the operation takes effect. @returns an answer to give instead */
async function before(
  effects: readonly Effect[],
  request: IncomingMessage,
  response: ServerResponse,
  cleared: AbortSignal,
): Promise<Answer | undefined> {
  for (const effect of effects) {
    if (effect.kind === 'delay') await pause(effect.ms, response, cleared);
    else if (effect.kind === 'error' && effect.when !== 'after') throw refusal(effect);
    else if (effect.kind === 'reset' && effect.when === 'before') {
      request.socket.resetAndDestroy();
      throw new ConnectionCut('reset before it took effect');
    } else if (effect.kind === 'stall' && effect.when !== 'after') {
      // Unread bytes would keep the socket from noticing that the client has gone.
      request.resume();
      await stall(response);
    }
  }
  return undefined;
}

/** Lasts until the client goes away. */
async function stall(response: ServerResponse): Promise<never> {
  if (!response.destroyed) await new Promise((resolve) => response.once('close', resolve));
  throw new ConnectionCut('stalled');
}

/** A delay that ends early when the client goes away, or the faults are cleared. */
async function pause(milliseconds: number, response: ServerResponse, cleared: AbortSignal): Promise<void> {
  const gone = new AbortController();
  const abort = (): void => gone.abort();
  response.once('close', abort);
  try {
    await delay(milliseconds, undefined, { signal: AbortSignal.any([gone.signal, cleared]) });
  } catch (cause) {
    if (gone.signal.aborted) throw new ConnectionCut('cut during an ordered delay', { cause });
  } finally {
    response.off('close', abort);
  }
}

/** Faults that strike when the operation has taken effect. */
async function after(
  effects: readonly Effect[],
  { request, response }: { request: IncomingMessage; response: ServerResponse },
  media: boolean,
): Promise<Answer | undefined> {
  for (const effect of effects) {
    if (effect.kind === 'error' && effect.when === 'after') return errorAnswer(refusal(effect), media);
    if (effect.kind === 'reset' && effect.when === 'after') {
      request.socket.resetAndDestroy();
      throw new ConnectionCut('reset after it took effect');
    }
    if (effect.kind === 'stall' && effect.when === 'after') await stall(response);
  }
  return undefined;
}

function requestLimit(effects: readonly Effect[]): { bytes: number; refusal?: ApiError } | undefined {
  const cut = effects.find((effect) => effect.kind === 'truncate');
  if (cut?.status === undefined) return cut;
  return { bytes: cut.bytes, refusal: refusal({ kind: 'error', status: cut.status }) };
}

function refusal({ status, reason, retryAfter }: Extract<Effect, { kind: 'error' }>): ApiError {
  const headers: Record<string, string> =
    retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
  return new ApiError(status, reason ?? 'backendError', `Fault ordered: ${status}`, headers);
}

function failure(error: unknown, media: boolean): Answer {
  if (error instanceof ApiError) return errorAnswer(error, media);
  const message = error instanceof Error ? error.message : String(error);
  return errorAnswer(new ApiError(500, 'backendError', message), media);
}

/** @returns bytes sent, without headers */
async function send(
  { store, rates }: Pick<Service, 'store' | 'rates'>,
  response: ServerResponse,
  { status, headers, body, media }: Answer,
  effects: readonly Effect[],
): Promise<number> {
  // As every answer of Cloud Storage; where a session starts, its handler has named that.
  headers['x-guploader-uploadid'] ??= randomUUID();
  if (media === undefined) {
    if (status !== 204 && status !== 304) headers['content-length'] = String(Buffer.byteLength(body ?? ''));
    response.writeHead(status, headers).end(body);
    return Buffer.byteLength(body ?? '');
  }
  if (response.req.method === 'HEAD') {
    response.writeHead(status, headers).end();
    return 0;
  }
  const { content } = media;
  store.contents.hold(content);
  try {
    response.writeHead(status, headers);
    return await sendMedia(
      response,
      media,
      content === undefined ? [] : store.contents.places(content, media.first, media.length),
      {
        truncate: effects.find((effect) => effect.kind === 'truncate')?.bytes,
        corrupt: effects.some((effect) => effect.kind === 'corrupt'),
        rate: rates?.sent,
      },
    );
  } catch {
    // The headers are out: a cut connection is the one way left to say that something failed.
    response.destroy();
    return 0;
  } finally {
    store.contents.release(content);
  }
}

function targets(store: Store, { target, destination, session }: Route): Target[] {
  const known = session === undefined ? undefined : store.state.sessions.get(session);
  if (known === undefined) return destination === undefined ? [target] : [target, destination];
  const { bucket, name } =
    known.state === 'open' ? known.start : known.state === 'completed' ? known.object : known;
  return [{ bucket, name }];
}
