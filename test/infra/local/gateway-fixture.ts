import { once } from 'node:events';
import { createServer, type RequestListener, type RequestOptions, request, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { type Gateway, startGateway } from '../../../infra/local/gateway.ts';

export const HOST = '127.0.0.1';

/** A gateway in front of one real server that plays every function. */
export interface Fixture extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly upstream: Server;
  readonly upstreamPort: number;
}

export async function gatewayBefore(handle: RequestListener): Promise<Fixture> {
  const upstream = createServer(handle);
  upstream.listen(0, HOST);
  await once(upstream, 'listening');
  const upstreamPort = (upstream.address() as AddressInfo).port;
  const to = { host: HOST, port: upstreamPort };
  const gateway = await startGateway({
    host: HOST,
    port: 0,
    upstreams: { upload: to, files: to },
    local: (_, response) => response.end('local'),
  });
  return {
    gateway,
    upstream,
    upstreamPort,
    async [Symbol.asyncDispose]() {
      await gateway.close();
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
