import { once } from 'node:events';
import { createServer, type RequestListener, type RequestOptions, request, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createFront, type FrontOptions } from '../../../../infra/local/gateway/front.ts';
import { createGateway } from '../../../../infra/local/gateway/gateway.ts';
import { type Listening, listen } from '../../../../infra/local/gateway/listening.ts';

export const HOST = '127.0.0.1';

/** A gateway in front of one real server that plays every function. */
export interface Fixture extends AsyncDisposable {
  readonly gateway: Listening;
  /** The front behind the gateway, at its own address. */
  readonly front: Listening;
  readonly upstream: Server;
  readonly upstreamPort: number;
}

/** @param options of the front; by default those of a service that is never short of instances */
export async function gatewayBefore(
  handle: RequestListener,
  options: Partial<FrontOptions> = {},
): Promise<Fixture> {
  const upstream = createServer(handle);
  upstream.listen(0, HOST);
  await once(upstream, 'listening');
  const upstreamPort = (upstream.address() as AddressInfo).port;
  const front = createFront({
    upstream: { host: HOST, port: upstreamPort },
    concurrency: 80,
    timeoutMs: 60_000,
    ...options,
  });
  const gateway = await listen(
    { host: HOST, port: 0 },
    createGateway({ upload: front, files: front, local: (_, response) => response.end('local') }),
  );
  const own = await listen({ host: HOST, port: 0 }, front);
  return {
    gateway,
    front: own,
    upstream,
    upstreamPort,
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await own.close();
      upstream.closeAllConnections();
      if (upstream.listening) await new Promise((done) => upstream.close(done));
    },
  };
}

export interface Answer {
  readonly status: number | undefined;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

/** One request with a small body, answered whole. */
export async function ask(port: number, options: RequestOptions, body = ''): Promise<Answer> {
  const asked = request({ host: HOST, port, agent: false, ...options });
  asked.end(body);
  const [response] = await once(asked, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString() };
}

/** A connection on which a test writes what it likes, and reads as text. */
export async function rawClient(port: number, text: string): Promise<{ socket: Socket; until: Until }> {
  const socket = connect(port, HOST);
  await once(socket, 'connect');
  let seen = '';
  socket.on('data', (chunk: Buffer) => {
    seen += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  socket.write(text);
  const until: Until = async (pattern) => {
    while (!pattern.test(seen)) {
      const ended = await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => 'closed')]);
      if (ended === 'closed' && !pattern.test(seen)) throw new Error(`closed after: ${seen}`);
    }
    return seen;
  };
  return { socket, until };
}

export type Until = (pattern: RegExp) => Promise<string>;
