import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { bearer, type Tokens } from '../../emulators/common/iam/tokens.ts';
import { sendProblem } from '../gateway/problem.ts';
import { AUDIENCE, type Issuer, PRINCIPAL_CLAIM, SCOPES } from '../issuer/issuer.ts';
import { answerQuery, type MetricSources } from '../metrics/query.ts';

const OPERATOR_PATH = '/local/operator';

/** Paths of the sweeper that the page may call, and how. */
const ORDERS: Readonly<Record<string, readonly string[]>> = {
  '/quarantine': ['GET'],
  '/quarantine/content': ['GET'],
  '/quarantine/rescan': ['POST'],
  '/release': ['POST'],
  '/condemn': ['POST'],
  '/sweep': ['POST'],
  '/collect': ['POST'],
  '/redrive': ['POST'],
  '/intake': ['GET'],
  '/intake/pause': ['POST'],
  '/intake/resume': ['POST'],
  '/notice': ['PUT', 'DELETE'],
};

/** Base of the HTTP API of Prometheus, which knows the queries of `fileshare admin status`. */
const QUERY_PATH = '/local/metrics/api/v1/query';

/** Methods of the paths that are for operators alone. */
export const OPERATOR_METHODS: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(Object.entries(ORDERS).map(([path, methods]) => [OPERATOR_PATH + path, methods])),
  [QUERY_PATH]: ['GET'],
};

const MAX_ORDER_BYTES = 64 * 1024;
const HEADERS = ['content-type', 'content-disposition'] as const;

export interface OperatorOptions {
  readonly issuer: Issuer;
  readonly tokens: Pick<Tokens, 'identity'>;
  readonly sweeperUrl: string;
  readonly metrics: MetricSources;
}

/**
 * Answers operators: with metrics, or by passing their order on to the sweeper. In a deployment, an operator is a Google account that may call it; here, a
 * principal with the scope of administrators, who is told from other operators by an address with its name.
 */
export async function operate(
  { issuer, tokens, sweeperUrl, metrics }: OperatorOptions,
  { pathname, search, searchParams }: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const principal = await operatorOf(issuer, bearer(request.headers.authorization));
  if (principal === undefined) {
    return sendProblem(response, 403, 'A token with the scope of administrators is needed.');
  }
  if (pathname === QUERY_PATH) {
    const answer = await answerQuery(metrics, searchParams.get('query') ?? '', Date.now());
    if (!answer) return sendProblem(response, 400, 'The queries here are those of fileshare admin status.');
    response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
    return void response.end(JSON.stringify(answer));
  }
  const order = await bodyOf(request);
  if (order === undefined) return sendProblem(response, 413, 'No order is as long as this.');
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const token = await tokens.identity(`${principal}@operators.example`, sweeperUrl);
  const answer = await fetch(`${sweeperUrl}${pathname.slice(OPERATOR_PATH.length)}${search}`, {
    method: request.method ?? 'GET',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    signal: gone.signal,
    ...(order.length > 0 && { body: order }),
  }).catch(() => undefined);
  if (!answer) return sendProblem(response, 503, 'The sweeper does not answer.');
  const headers = HEADERS.flatMap((name) => {
    const value = answer.headers.get(name);
    return value === null ? [] : [[name, value]];
  });
  response.writeHead(answer.status, {
    ...Object.fromEntries(headers),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  if (!answer.body) return void response.end();
  // An archive that breaks off breaks this connection, too.
  await pipeline(Readable.fromWeb(answer.body as ReadableStream), response).catch(() => undefined);
}

async function operatorOf(issuer: Issuer, token = ''): Promise<string | undefined> {
  const keys = createLocalJWKSet({ keys: [...issuer.jwks.keys] });
  const verified = await jwtVerify(token, keys, { issuer: issuer.url, audience: AUDIENCE }).catch(
    () => undefined,
  );
  const { [PRINCIPAL_CLAIM]: principal, scope } = verified?.payload ?? {};
  const isOperator = String(scope).split(' ').includes(SCOPES.admin);
  return isOperator && typeof principal === 'string' ? principal : undefined;
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of request as AsyncIterable<Uint8Array>) {
    size += piece.length;
    if (size > MAX_ORDER_BYTES) return undefined;
    pieces.push(piece);
  }
  return new Uint8Array(Buffer.concat(pieces));
}
