/**
 * Takes the place of upload and scanner for a small file: a Node process that makes the same exchanges in the same
 * order, and does nothing else. `POST /upload` puts a record and the bytes to the emulator at `STORAGE`, `POST /scan`
 * does what follows for the name in its answer. `BY` says what they are made with, `node` or `libraries`; Pub/Sub's
 * library is used by both.
 */
import { createHash } from 'node:crypto';
import { PubSub } from '@google-cloud/pubsub';
import { crc32c } from '@node-rs/crc32';
import { CLEAN } from '../clamd/instream.ts';
import { byLibraries, byNode } from './means.ts';

const { STORAGE = '', CLAMD = '', GOOGLE_CLOUD_PROJECT = '', BY } = process.env;
/** No event comes of this bucket. */
const OBJECTS = `${STORAGE}/storage/v1/b/permanent/o`;
const INSERT = `${STORAGE}/upload/storage/v1/b/permanent/o?uploadType=media&name=`;
const JSON_TYPE = { 'content-type': 'application/json' };
const EVENT = { data: Buffer.alloc(500, 'a'), attributes: { 'ce-type': 'bare' } };

const { ask, scan, serve } = await (BY === 'libraries' ? byLibraries : byNode)(Number(CLAMD));
const pubsub = new PubSub({ projectId: GOOGLE_CLOUD_PROJECT });
const topic = pubsub.topic(`bare-files-${BY}`, { batching: { maxMessages: 1 } });
// A row before may have created it.
if (!(await topic.exists())[0]) await topic.create();
let names = 0;

async function uploaded(bytes: Buffer): Promise<string> {
  names += 1;
  const name = `${BY}-${process.pid}-${names}`;
  digest(bytes);
  await ask(`${INSERT}record-${name}`, { method: 'POST', body: Buffer.alloc(0) });
  await ask(`${INSERT}bytes-${name}`, { method: 'POST', body: bytes });
  return name;
}

async function scanned(name: string): Promise<string> {
  await Promise.all([ask(`${OBJECTS}/record-${name}`), ask(`${OBJECTS}/record-${name}`)]);
  const bytes = await ask(`${OBJECTS}/bytes-${name}?alt=media`);
  digest(bytes);
  const reply = await scan(bytes);
  const found = reply.endsWith(' FOUND\0');
  if (!found && reply !== CLEAN) throw new Error(`clamd says ${JSON.stringify(reply)}`);
  const metadata = Buffer.from('{"metadata":{"state":"clean"}}');
  const rewrite = `${OBJECTS}/bytes-${name}/rewriteTo/b/permanent/o/blob-${name}`;
  await Promise.all([
    ask(rewrite, { method: 'POST', body: metadata, headers: JSON_TYPE }),
    // That malware is in this content is kept for all files that have it.
    ...(found ? [ask(`${INSERT}finding-${name}`, { method: 'POST', body: Buffer.alloc(0) })] : []),
  ]);
  await topic.publishMessage(EVENT);
  await ask(`${INSERT}verdict-${name}`, { method: 'POST', body: Buffer.alloc(0) });
  // As we do: a name takes one write a second, and nobody waits for this one.
  setTimeout(() => ask(`${OBJECTS}/bytes-${name}`, { method: 'DELETE' }).catch(console.error), 1_100);
  return '';
}

function digest(bytes: Buffer): void {
  createHash('sha256').update(bytes).digest();
  crc32c(bytes);
}

const port = await serve((path, body) => (path === '/upload' ? uploaded(body) : scanned(body.toString())));
process.once('disconnect', () => process.exit());
process.send?.({ ready: true, url: `http://127.0.0.1:${port}` });
