import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { replyTo } from '../clamd/instream.ts';
import { send } from '../http.ts';

interface Sending {
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/** HTTP clients that can make the exchanges of a small file. */
export interface Means {
  /** Sends a request to Cloud Storage. @returns the body of the answer */
  readonly ask: (url: string, sending?: Sending) => Promise<Buffer>;
  /** @returns the reply of clamd */
  readonly scan: (bytes: Buffer) => Promise<string>;
  /** Answers each request with what `work` makes of its path and body. @returns the port */
  readonly serve: (work: (path: string, body: Buffer) => Promise<string>) => Promise<number>;
}

/** The smallest possible stand-in: Node's own http and a raw socket. */
export function byNode(clamdPort: number): Means {
  return {
    ask: async (url, sending) => (await send(url, sending)).body,
    scan: (bytes) => replyTo(clamdPort, bytes),
    serve: async (work) => {
      const answer = async (incoming: IncomingMessage): Promise<string> =>
        work(incoming.url ?? '', Buffer.concat(await incoming.toArray()));
      const server = createServer((incoming, response) => {
        answer(incoming).then((text) => response.end(text), refusing(response));
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return (server.address() as AddressInfo).port;
    },
  };
}

/** The libraries that this project is bound to, each as its documentation shows it. */
export async function byLibraries(clamdPort: number): Promise<Means> {
  const [{ http }, { getTestServer }, { Gaxios }, { default: clamdjs }] = await Promise.all([
    import('@google-cloud/functions-framework'),
    import('@google-cloud/functions-framework/testing'),
    import('gaxios'),
    import('clamdjs'),
  ]);
  const gaxios = new Gaxios({ responseType: 'arraybuffer' });
  const scanner = clamdjs.createScanner('127.0.0.1', clamdPort);
  return {
    ask: async (url, sending = { method: 'GET' }) => {
      const { data } = await gaxios.request<ArrayBuffer>({ url, ...sending });
      return Buffer.from(data);
    },
    scan: (bytes) => scanner.scanStream(Readable.from(bytes, { objectMode: false }), 60_000),
    serve: async (work) => {
      http('bare', (request, response) => {
        const body = request.rawBody ?? Buffer.alloc(0);
        work(request.path, body).then((text) => response.send(text), refusing(response));
      });
      const server = getTestServer('bare').listen(0, '127.0.0.1');
      await once(server, 'listening');
      return (server.address() as AddressInfo).port;
    },
  };
}

function refusing(response: ServerResponse): (error: unknown) => void {
  return (error) => {
    console.error(error);
    response.destroy();
  };
}
