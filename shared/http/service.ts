import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CorruptRecord } from '../files/metadata.ts';
import { answerPreflight } from '../framework/cors.ts';
import { withoutDomains } from '../framework/domains.ts';
import { isDraining, whileServing } from '../framework/drain.ts';
import { HEADERS_MS, limitRequests } from '../framework/timeouts.ts';
import type { Logger } from '../runtime/log.ts';
import { sentTraceparent, traceFields } from '../runtime/trace.ts';
import { StorageError } from '../storage/error.ts';
import { type Span, type Tracing, UNTRACED, untraced } from '../tracing/tracing.ts';
import { type Audit, auditOf, auditPath, writeAudit } from './audit.ts';
import { Problem, unavailable } from './problems.ts';
import { sendEmpty, sendProblem } from './respond.ts';
import { routeOf } from './route.ts';

/** One request: what a handler needs beside its own dependencies. */
export interface RequestContext {
  /** Path without query, as it was sent. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Span that its log lines are of, and that what follows from it has as its parent. */
  readonly span: Span;
  readonly log: Logger;
  /** Record to be filled in on the way; written when the request is over. */
  readonly audit: Audit;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
}

const NOTHING = { 'content-length': '0' };

type Handler = (context: RequestContext) => Promise<void>;

interface ServiceOptions {
  readonly log: Logger;
  readonly project: string;
  /** Where clients reach the files function, which serves the types of problems; undefined where that is not known. */
  readonly filesUrl: string | undefined;
  readonly handler: Handler;
  /** Absent: no spans are recorded. */
  readonly tracing?: Tracing;
  /** Its requests are messages that Pub/Sub pushes, whose spans the handler begins. */
  readonly pushed?: true;
  /** Time until a request has arrived whole, as long as the platform lets it take; an hour by default. */
  readonly requestTimeoutSeconds?: number;
  /** Throws where the service cannot do its work now; `/readyz` then answers 503. */
  readonly ready?: () => Promise<void>;
}

/**
 * A function of functions-framework around a handler: liveness and readiness, one place where every error
 * becomes an answer, and a process that does not end under a request.
 */
export function httpService(options: ServiceOptions) {
  withoutDomains();
  limitRequests({ requestMs: (options.requestTimeoutSeconds ?? 3_600) * 1000, headersMs: HEADERS_MS });
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (answerPreflight(request, response)) return;
    const target = URL.parse(request.url ?? '/', 'http://service') ?? new URL('http://service/');
    const path = target.pathname;
    if (path === '/healthz') return sendEmpty(response, 200, NOTHING);
    if (path === '/readyz') return sendEmpty(response, await readiness(options), NOTHING);
    await whileServing(() => serve(options, target, request, response));
  };
}

async function serve(
  options: ServiceOptions,
  { pathname: path, searchParams: query }: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const span = spanOf(options, path, request);
  const requestId = randomBytes(8).toString('hex');
  const log = options.log.child({ requestId, ...traceFields(span.traceparent, options.project) });
  const gone = new AbortController();
  const closed = new Promise<void>((resolve) => {
    response.once('close', () => {
      if (!response.writableFinished) gone.abort(new Error('the client went away'));
      resolve();
    });
  });
  const audit = auditOf(request);
  auditPath(audit, path);
  // A connection that is kept would be reset by the end of the process.
  if (isDraining()) response.setHeader('connection', 'close');
  try {
    await options.handler({ path, query, request, response, span, log, audit, signal: gone.signal });
  } catch (error) {
    const clientGone = gone.signal.aborted || isCutWrite(error, request);
    answerError(error, { request, response, log, audit, gone: clientGone, filesUrl: options.filesUrl });
  }
  // Until then it is not known whether the answer left whole, nor may the process end.
  if (!response.destroyed) await closed;
  writeAudit(log, audit, response);
  endSpan(span, audit, response);
  void options.tracing?.flush();
}

/** Methods of HTTP, of which a client may send any other. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/**
 * The span of a request, which continues its sender's. It has neither path nor query, nor who sent it from where.
 * https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span
 */
function spanOf(
  { tracing = UNTRACED, pushed }: ServiceOptions,
  path: string,
  { method = '', headers }: IncomingMessage,
): Span {
  const parent = sentTraceparent(headers);
  if (pushed) return untraced(parent);
  const known = METHODS.has(method);
  const route = routeOf(path);
  return tracing.start([known ? method : 'HTTP', ...(route === undefined ? [] : [route])].join(' '), {
    kind: 'server',
    parent,
    attributes: {
      'http.request.method': known ? method : '_OTHER',
      'http.route': route,
      'faas.trigger': 'http',
    },
  });
}

function endSpan(span: Span, { fileId, problem }: Audit, response: ServerResponse): void {
  const status = response.headersSent ? response.statusCode : undefined;
  span.set({ 'http.response.status_code': status, 'fileshare.file.id': fileId });
  if (!response.writableFinished) span.end('incomplete');
  else span.end(response.statusCode >= 500 ? (problem ?? String(status)) : undefined);
}

function answerError(
  error: unknown,
  context: Pick<RequestContext, 'request' | 'response' | 'log' | 'audit'> &
    Pick<ServiceOptions, 'filesUrl'> & { gone: boolean },
): void {
  const { request, response, log, audit, gone, filesUrl } = context;
  if (gone) {
    log.info({ reason: (error as Error).message }, 'client went away');
    response.destroy();
    return;
  }
  const problem = toProblem(error);
  audit.problem = problem.type;
  // A pause is what operators have ordered: the line of the audit is enough.
  if (problem.status >= 500 && problem.type !== 'intake-paused') log.error({ err: error }, problem.message);
  // Bytes are out: a short body must look like one.
  if (response.headersSent) response.destroy();
  else sendProblem(request, response, problem, filesUrl);
}

/** A write to a client that has just gone away may fail before the answer is told that its connection is closed. */
function isCutWrite(error: unknown, { socket }: IncomingMessage): boolean {
  return socket.destroyed && error instanceof Error && (error as NodeJS.ErrnoException).syscall === 'write';
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof StorageError && error.transient)
    return unavailable(
      `${error.contended ? 'Too many changes at the same time' : 'Storage does not answer'}. Try again.`,
    );
  if (error instanceof StorageError && (error.status === 401 || error.status === 403)) {
    const detail =
      'The service lacks a permission on its storage. Its log names the permission, the resource and the account.';
    return new Problem('internal', { detail });
  }
  if (error instanceof CorruptRecord)
    return new Problem('internal', { detail: 'The record of this file is damaged.' });
  return new Problem('internal');
}

async function readiness({ ready, log }: ServiceOptions): Promise<number> {
  if (isDraining()) return 503;
  try {
    await ready?.();
    return 200;
  } catch (error) {
    log.warn({ err: error }, 'not ready');
    return 503;
  }
}
