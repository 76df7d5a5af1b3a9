/**
 * The least that can stand where the upload and the scanner stand for a small file: a Node process that makes the same
 * exchanges in the same order, by Node's own http, a raw socket and Pub/Sub's library, and does nothing else. `POST /upload`
 * puts a record and the bytes to the emulator at `STORAGE`, `POST /scan` does what follows for the name in its answer.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PubSub } from '@google-cloud/pubsub';
import { crc32c } from '@node-rs/crc32';
import { instream } from '../clamd/instream.ts';
import { send } from '../http.ts';

const { STORAGE = '', CLAMD = '', GOOGLE_CLOUD_PROJECT = '' } = process.env;
/** No event comes of this bucket. */
const OBJECTS = `${STORAGE}/storage/v1/b/permanent/o`;
const INSERT = `${STORAGE}/upload/storage/v1/b/permanent/o?uploadType=media&name=`;
const JSON_TYPE = { 'content-type': 'application/json' };
const EVENT = { data: Buffer.alloc(500, 'a'), attributes: { 'ce-type': 'bare' } };

const pubsub = new PubSub({ projectId: GOOGLE_CLOUD_PROJECT });
const [created] = await pubsub.createTopic('bare-files');
const topic = pubsub.topic(created.name, { batching: { maxMessages: 1 } });
let names = 0;

async function upload(incoming: IncomingMessage): Promise<string> {
  names += 1;
  const name = String(names);
  const bytes = Buffer.concat(await incoming.toArray());
  createHash('sha256').update(bytes).digest();
  crc32c(bytes);
  await send(`${INSERT}record-${name}`, { method: 'POST', body: Buffer.alloc(0) });
  await send(`${INSERT}bytes-${name}`, { method: 'POST', body: bytes });
  return name;
}

async function scan(incoming: IncomingMessage): Promise<string> {
  const name = Buffer.concat(await incoming.toArray()).toString();
  await send(`${OBJECTS}/record-${name}`);
  await send(`${OBJECTS}/record-${name}`);
  const { body } = await send(`${OBJECTS}/bytes-${name}?alt=media`);
  createHash('sha256').update(body).digest();
  crc32c(body);
  await instream(Number(CLAMD), body);
  const metadata = Buffer.from('{"metadata":{"state":"clean"}}');
  const rewrite = `${OBJECTS}/bytes-${name}/rewriteTo/b/permanent/o/blob-${name}`;
  await send(rewrite, { method: 'POST', body: metadata, headers: JSON_TYPE });
  await topic.publishMessage(EVENT);
  await send(`${OBJECTS}/record-${name}`, { method: 'PATCH', body: metadata, headers: JSON_TYPE });
  await send(`${OBJECTS}/bytes-${name}`, { method: 'DELETE' });
  return '';
}

const server = createServer((incoming, response) => {
  const work = incoming.url === '/upload' ? upload : scan;
  work(incoming).then(
    (text) => response.end(text),
    (error) => {
      console.error(error);
      response.destroy();
    },
  );
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.once('disconnect', () => process.exit());
process.send?.({ ready: true, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
