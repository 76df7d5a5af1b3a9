import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { isFromAnotherOrigin, underOwnNames } from '../../../common/own-names.ts';
import { invalid, RpcError, rpcErrorOf } from '../core/status.ts';
import { control } from '../faults/control.ts';
import { type Field, type MessageType, requestType, responseType } from '../protos.ts';
import type { PushTokenMinter } from '../push/push-token.ts';
import type { PubSubService } from '../service.ts';
import { isPlain, type Plain } from '../walk.ts';
import { fromJson, toJson } from './json.ts';
import { type Route, routeOf } from './rest-routes.ts';

/** 10 MB of message data are 13.4 MB in base64. */
const largestBody = 20 * 1024 * 1024;

/** The JSON front end (cloud.google.com/pubsub/docs/reference/rest), without a separate port. */
export function restServer(service: PubSubService, minter: PushTokenMinter): Server {
  // After Node's 5 s, a client on a busy machine sends its next request into a connection that is being closed.
  const listener: RequestListener = (request, response) => {
    answer(request, response, service, minter).then(
      (body) => send(response, 200, body),
      (error: unknown) => {
        const { httpStatus: code, message, status } = rpcErrorOf(error);
        send(response, code, { error: { code, message, status } });
      },
    );
  };
  return createServer({ keepAliveTimeout: 120_000 }, underOwnNames(listener));
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  service: PubSubService,
  minter: PushTokenMinter,
): Promise<unknown> {
  if (isFromAnotherOrigin(request)) {
    throw new RpcError('PERMISSION_DENIED', 'A page of another origin may not ask.');
  }
  const url = new URL(`http://localhost${request.url}`);
  if (request.method === 'GET' && url.pathname === '/_emulator/jwks') return minter.jwks();
  if (request.method === 'GET' && url.pathname === '/_emulator/backlog') {
    return { subscriptions: service.broker.backlogs() };
  }
  if (request.method === 'GET' && url.pathname === '/') return { status: 'Ok' };
  if (url.pathname === '/_emulator/faults') {
    return control(request.method, service.faults, await readJson(request));
  }
  if (url.pathname === '/_emulator/iam') {
    const answer = service.iam?.control(request.method, await readJson(request));
    if (!answer) throw new RpcError('NOT_FOUND', 'There are no grants here.');
    return answer;
  }
  const route = routeOf(request.method, url.pathname);
  if (!route) throw new RpcError('NOT_FOUND', `${request.method} ${url.pathname} is no method of this API.`);
  const type = requestType(route.method);
  const controller = new AbortController();
  response.on('close', () => controller.abort());
  const asked = fromJson(type, requestJson(type, route, url, await readJson(request)));
  const { authorization } = request.headers;
  const answered = await service.call(route.method.name, asked, controller.signal, authorization);
  return toJson(responseType(route.method), answered);
}

/** A request is its body, its query and its path together; the path wins. */
function requestJson(type: MessageType, { fields }: Route, { searchParams }: URL, body: Plain): Plain {
  const query = [...searchParams].filter(([name]) => !systemParameters.has(name));
  const given: Plain = {
    ...body,
    ...Object.fromEntries(query.map(([name, text]) => [name, queryValue(type.fields[name], text)])),
  };
  return Object.entries(fields).reduce((json, [path, value]) => place(json, path.split('.'), value), given);
}

/** cloud.google.com/apis/docs/system-parameters: not of the method. */
const systemParameters = new Set([
  'key',
  'alt',
  'prettyPrint',
  '$alt',
  '$prettyPrint',
  'fields',
  'access_token',
]);

const queryValue = (field: Field | undefined, text: string): unknown =>
  field?.type === 'bool' ? text === 'true' : text;

function place(json: Plain, [name, ...rest]: readonly string[], value: string): Plain {
  if (name === undefined) return json;
  const inner = json[name];
  return { ...json, [name]: rest.length === 0 ? value : place(isPlain(inner) ? inner : {}, rest, value) };
}

async function readJson(request: IncomingMessage): Promise<Plain> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > largestBody) throw invalid(`Request payload size exceeds the limit: ${largestBody} bytes.`);
    chunks.push(chunk);
  }
  if (size === 0) return {};
  const json = parseJson(Buffer.concat(chunks).toString());
  if (!isPlain(json)) throw invalid('Invalid JSON payload received. An object was expected.');
  return json;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(`Invalid JSON payload received. ${cause instanceof Error ? cause.message : ''}`);
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body, null, 2);
  response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8' });
  response.end(text);
}
