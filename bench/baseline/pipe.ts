/**
 * The least that can stand where a function stands: a Node process that pipes. `PUT /` goes to one resumable session
 * of the emulator at `STORAGE`, `GET` is passed to it. With `X-Work: digests`, the bytes of an upload are digested and
 * kept for a repeat as the upload function must, and nothing else is done: what that alone costs.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32c } from '@node-rs/crc32';

const storage = process.env['STORAGE'] ?? '';
const agent = new Agent({ keepAlive: true });
const KEPT_BYTES = 8 * 1024 * 1024;
const kept = Buffer.allocUnsafeSlow(KEPT_BYTES);
let names = 0;

async function upload(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const length = Number(incoming.headers['content-length']);
  names += 1;
  const start = request(
    `${storage}/upload/storage/v1/b/unscanned/o?uploadType=resumable&name=pipe-${names}`,
    {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      agent,
    },
  );
  start.end('{}');
  const [session] = (await once(start, 'response')) as [IncomingMessage];
  session.resume();
  const put = request(session.headers.location ?? '', {
    method: 'PUT',
    headers: { 'content-length': String(length) },
    agent,
  });
  const answered = once(put, 'response') as Promise<[IncomingMessage]>;
  if (incoming.headers['x-work'] === 'digests') await pipeline(incoming, digesting(), put);
  else await pipeline(incoming, put);
  const [answer] = await answered;
  answer.resume();
  response.writeHead(answer.statusCode === 200 ? 202 : 502).end();
}

function digesting(): Transform {
  const sha256 = createHash('sha256');
  let [checksum, at] = [0, 0];
  return new Transform({
    transform(piece: Buffer, _, done) {
      sha256.update(piece);
      checksum = crc32c(piece, checksum);
      at = at + piece.length > KEPT_BYTES ? 0 : at;
      kept.set(piece, at);
      at += piece.length;
      done(null, piece);
    },
  });
}

async function download({ url = '', headers }: IncomingMessage, response: ServerResponse): Promise<void> {
  const { range } = headers;
  const get = request(storage + url, { headers: range === undefined ? {} : { range }, agent });
  get.end();
  const [answer] = (await once(get, 'response')) as [IncomingMessage];
  response.writeHead(answer.statusCode ?? 502, { 'content-length': answer.headers['content-length'] });
  await pipeline(answer, response);
}

const server = createServer((incoming, response) => {
  const work = incoming.method === 'PUT' ? upload : download;
  work(incoming, response).catch(() => response.destroy());
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.once('disconnect', () => process.exit());
process.send?.({ ready: true, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
