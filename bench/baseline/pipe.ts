/**
 * The least that can stand where a function stands: a Node process that pipes. `PUT /` goes to one resumable session
 * of the emulator at `STORAGE`, `PATCH /` to its own object, `GET` is passed to it, and `POST /` has clamd at `X-Clamd`
 * scan what the path names. With `X-Work: digests`, it does with the bytes what the function must, and nothing else: an upload
 * is digested and kept for a repeat, a download has its CRC32C taken. A scan is always digested. Reads the path in
 * `X-Ask` before a download, and the one in `X-Beside` while a download begins.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32c } from '@node-rs/crc32';

const storage = process.env['STORAGE'] ?? '';
const agent = new Agent({ keepAlive: true });
const KEPT_BYTES = 8 * 1024 * 1024;
const kept = Buffer.allocUnsafeSlow(KEPT_BYTES);
/** Prefix that no other process uses. */
const PREFIX = `pipe-${process.pid}`;
let names = 0;

async function upload(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  names += 1;
  const start = request(
    `${storage}/upload/storage/v1/b/unscanned/o?uploadType=resumable&name=${PREFIX}-${names}`,
    {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      agent,
    },
  );
  start.end('{}');
  const [session] = (await once(start, 'response')) as [IncomingMessage];
  session.resume();
  const stored = await store(incoming, session.headers.location ?? '', 'PUT');
  response.writeHead(stored ? 202 : 502).end();
}

async function part(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  names += 1;
  const url = `${storage}/upload/storage/v1/b/unscanned/o?uploadType=media&name=${PREFIX}-${names}`;
  const stored = await store(incoming, url, 'POST');
  response.writeHead(stored ? 204 : 502).end();
}

async function store(incoming: IncomingMessage, url: string, method: string): Promise<boolean> {
  const { headers } = incoming;
  const length = String(headers['content-length']);
  const outgoing = request(url, { method, headers: { 'content-length': length }, agent });
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
  if (headers['x-work'] === 'digests') await pipeline(incoming, digesting(), outgoing);
  else await pipeline(incoming, outgoing);
  const [answer] = await answered;
  answer.resume();
  return answer.statusCode === 200;
}

async function ask(path: string | string[] | undefined): Promise<void> {
  if (typeof path === 'string') await (await read(path, {})).toArray();
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
  await ask(headers['x-ask']);
  const beside = ask(headers['x-beside']);
  const answer = await read(url, range === undefined ? {} : { range });
  await beside;
  response.writeHead(answer.statusCode ?? 502, { 'content-length': answer.headers['content-length'] });
  if (headers['x-work'] === 'digests') {
    let checksum = 0;
    answer.on('data', (piece: Buffer) => {
      checksum = crc32c(piece, checksum);
    });
  }
  await pipeline(answer, response);
}

async function read(path: string, headers: Readonly<Record<string, string>>): Promise<IncomingMessage> {
  const get = request(storage + path, { headers, agent });
  get.end();
  const [answer] = (await once(get, 'response')) as [IncomingMessage];
  return answer;
}

async function scan({ url = '', headers }: IncomingMessage, response: ServerResponse): Promise<void> {
  const answer = await read(url, {});
  const socket = connect({ host: '127.0.0.1', port: Number(headers['x-clamd']) });
  socket.write('zINSTREAM\0');
  await pipeline(answer, framing(), socket, { end: false });
  socket.write(Buffer.alloc(LENGTH_BYTES));
  const reply = Buffer.concat(await socket.toArray()).toString();
  response.writeHead(reply === 'stream: OK\0' ? 204 : 502).end();
}

const LENGTH_BYTES = 4;

/** The frames of INSTREAM: https://docs.clamav.net/manual/Usage/Scanning.html */
function framing(): Transform {
  const sha256 = createHash('sha256');
  let checksum = 0;
  return new Transform({
    transform(piece: Buffer, _, done) {
      sha256.update(piece);
      checksum = crc32c(piece, checksum);
      const length = Buffer.allocUnsafe(LENGTH_BYTES);
      length.writeUInt32BE(piece.length);
      this.push(length);
      done(null, piece);
    },
  });
}

const WORK: Readonly<Record<string, typeof upload>> = { PUT: upload, PATCH: part, GET: download, POST: scan };

const server = createServer((incoming, response) => {
  const work = WORK[incoming.method ?? ''] ?? download;
  work(incoming, response).catch(() => response.destroy());
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.once('disconnect', () => process.exit());
process.send?.({ ready: true, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
