import { once } from 'node:events';
import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A network that flips a bit: the last byte but 100 of each upload to `target` arrives changed. */
export async function tamperingProxy(target: string) {
  let tampered = 0;
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    const body = Buffer.concat(pieces);
    if (request.url?.startsWith('/upload/') && body.length > 500) {
      body.writeUInt8(body.readUInt8(body.length - 100) ^ 1, body.length - 100);
      tampered++;
    }
    const { host, ...headers } = request.headers;
    const upstream = send(new URL(request.url ?? '', target), { method: request.method, headers });
    upstream.end(body);
    const [answer] = await once(upstream, 'response');
    const location = answer.headers.location?.replace(target, url);
    response.writeHead(answer.statusCode, { ...answer.headers, ...(location && { location }) });
    answer.pipe(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    tampered: () => tampered,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
