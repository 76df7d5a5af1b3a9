import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import * as v from 'valibot';
import { Inbox } from './inbox.ts';

/** A push request as it arrived, still to be answered. */
export interface Pushed {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  answer(status: number): void;
  readonly response: ServerResponse;
}

export interface Endpoint {
  readonly url: string;
  readonly requests: Inbox<Pushed>;
  stop(): Promise<void>;
}

/** A push endpoint on this machine, whose answers the test gives. */
export async function startEndpoint(): Promise<Endpoint> {
  const requests = new Inbox<Pushed>();
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    const answer = (status: number) => response.writeHead(status).end();
    requests.put({ headers: request.headers, body, answer, response });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = v.parse(v.object({ port: v.number() }), server.address());
  return {
    url: `http://127.0.0.1:${address.port}/push`,
    requests,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

const wrappedSchema = v.looseObject({
  message: v.looseObject({ data: v.optional(v.string(), '') }),
  subscription: v.string(),
});

export const wrapped = ({ body }: Pushed) => v.parse(wrappedSchema, JSON.parse(body));

export const pushedText = (pushed: Pushed): string =>
  Buffer.from(wrapped(pushed).message.data, 'base64').toString();
