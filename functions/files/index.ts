import { pipeline } from 'node:stream/promises';
import { http } from '@google-cloud/functions-framework';
import { Blobs } from '../../shared/files/blobs.ts';
import { toHandle } from '../../shared/files/handle.ts';
import { Records } from '../../shared/files/records.ts';
import { settled } from '../../shared/files/settled.ts';
import { authenticate } from '../../shared/http/authenticate.ts';
import { streamBodies } from '../../shared/http/framing.ts';
import { requireReadable } from '../../shared/http/outcome.ts';
import { waitSecondsOf } from '../../shared/http/prefer.ts';
import { Problem } from '../../shared/http/problems.ts';
import { sendHandle, sendHead } from '../../shared/http/respond.ts';
import { type Exchange, httpService } from '../../shared/http/service.ts';
import { issuersSchema, TokenVerifier } from '../../shared/identity/tokens.ts';
import { commonVariables, json, readConfig } from '../../shared/runtime/config.ts';
import { drainOnSignals } from '../../shared/runtime/drain.ts';
import { createLog } from '../../shared/runtime/log.ts';
import { Bucket } from '../../shared/storage/bucket.ts';
import { connectStorage } from '../../shared/storage/connect.ts';
import { openDownload } from './download.ts';
import { findFile } from './find.ts';

const config = readConfig({ ...commonVariables, TOKEN_ISSUERS: json(issuersSchema) }, process.env);
const log = createLog('files', config.LOG_LEVEL);
const tokens = new TokenVerifier(config.TOKEN_ISSUERS, config.STORAGE_EMULATOR_HOST !== undefined);
const permanent = new Bucket(connectStorage(config.STORAGE_EMULATOR_HOST), config.PERMANENT_BUCKET, {
  timeoutMs: config.STORAGE_TIMEOUT_SECONDS * 1000,
});
const records = new Records(permanent);
const blobs = new Blobs(permanent);

// No route of this function wants a body: it is never read, whatever a client sends.
streamBodies(() => true);
drainOnSignals();
http('files', httpService({ log, project: config.GOOGLE_CLOUD_PROJECT, handler: route }));

async function route(exchange: Exchange): Promise<void> {
  const [, id, rest] = /^\/files\/([^/]+)(\/.*)?$/.exec(exchange.path) ?? [];
  if (id === undefined) throw new Problem('not-found');
  if (rest === undefined) return getFile(exchange, id);
  if (rest === '/status') return getStatus(exchange, id);
  throw new Problem('not-found');
}

async function getStatus({ request, response, signal }: Exchange, id: string): Promise<void> {
  requireMethod(request.method);
  const caller = await authenticate(tokens, request, 'read');
  const found = await findFile(records, caller, id, signal);
  const wait = waitSecondsOf(request.headers['prefer']);
  const record = await settled(records, found, wait, signal);
  sendHandle(response, 200, toHandle(record), {
    ...(wait > 0 && { 'preference-applied': `wait=${wait}` }),
    ...((record.state === 'pending' || record.state === 'uploading') && { 'retry-after': '1' }),
  });
}

async function getFile({ request, response, signal, log }: Exchange, id: string): Promise<void> {
  const method = requireMethod(request.method);
  const caller = await authenticate(tokens, request, 'read');
  const record = requireReadable(await findFile(records, caller, id, signal));
  const ifRange = request.headers['if-range'];
  const wanted = {
    method,
    range: request.headers.range,
    ifRange: typeof ifRange === 'string' ? ifRange : undefined,
  };
  const download = await openDownload(blobs, record, wanted, signal);
  sendHead(response, download.status, download.headers);
  if (method === 'HEAD') response.end();
  else await pipeline(download.bytes, response, { signal });
  log.info({ fileId: record.id, caller: caller.principal, status: download.status }, 'file read');
}

function requireMethod(method: string | undefined): 'GET' | 'HEAD' {
  if (method === 'GET' || method === 'HEAD') return method;
  throw new Problem('method-not-allowed', { headers: { allow: 'GET, HEAD' } });
}
