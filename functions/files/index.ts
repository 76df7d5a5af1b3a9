import { http } from '@google-cloud/functions-framework';
import { toAttachment } from '../../shared/files/attachment.ts';
import { Blobs } from '../../shared/files/blobs.ts';
import { toHandle } from '../../shared/files/handle.ts';
import { Records } from '../../shared/files/records.ts';
import { settled } from '../../shared/files/settled.ts';
import { prefersFhir } from '../../shared/http/accept.ts';
import { authenticate } from '../../shared/http/authenticate.ts';
import { streamBodies } from '../../shared/http/framing.ts';
import { requireReadable } from '../../shared/http/outcome.ts';
import { waitSecondsOf } from '../../shared/http/prefer.ts';
import { Problem } from '../../shared/http/problems.ts';
import { sendHandle, sendJson } from '../../shared/http/respond.ts';
import { type Exchange, httpService } from '../../shared/http/service.ts';
import { issuersSchema, TokenVerifier } from '../../shared/identity/tokens.ts';
import { commonVariables, json, publicUrl, readConfig } from '../../shared/runtime/config.ts';
import { drainOnSignals } from '../../shared/runtime/drain.ts';
import { createLog } from '../../shared/runtime/log.ts';
import { Bucket } from '../../shared/storage/bucket.ts';
import { connectSigner, connectStorage, storageOrigin } from '../../shared/storage/connect.ts';
import { findFile } from './find.ts';
import { type Reader, sendFile } from './read.ts';
import { type Redirect, redirectVariables } from './redirect.ts';

const config = readConfig(
  { ...commonVariables, TOKEN_ISSUERS: json(issuersSchema), PUBLIC_URL: publicUrl, ...redirectVariables },
  process.env,
);
const log = createLog('files', config.LOG_LEVEL);
const tokens = new TokenVerifier(config.TOKEN_ISSUERS, config.STORAGE_EMULATOR_HOST !== undefined);
const limits = { timeoutMs: config.STORAGE_TIMEOUT_SECONDS * 1000 };
const permanent = new Bucket(connectStorage(config.STORAGE_EMULATOR_HOST), config.PERMANENT_BUCKET, limits);
const records = new Records(permanent);
const reader: Reader = { blobs: new Blobs(permanent), redirect: redirectOf(config.REDIRECT_ABOVE_BYTES) };

// No route of this function wants a body: it is never read, whatever a client sends.
streamBodies(() => true);
drainOnSignals();
http('files', httpService({ log, project: config.GOOGLE_CLOUD_PROJECT, handler: route }));

function redirectOf(aboveBytes: number | undefined): Redirect | undefined {
  if (aboveBytes === undefined) return undefined;
  return {
    aboveBytes,
    seconds: config.SIGNED_URL_SECONDS,
    origin: storageOrigin(config.STORAGE_EMULATOR_HOST),
    signer: connectSigner({ key: config.SIGNING_KEY, email: config.SIGNING_SERVICE_ACCOUNT, ...limits }),
  };
}

async function route(exchange: Exchange): Promise<void> {
  const [, id, rest] = /^\/files\/([^/]+)(\/.*)?$/.exec(exchange.path) ?? [];
  if (id === undefined) throw new Problem('not-found');
  if (rest === undefined) return getFile(exchange, id);
  if (rest === '/status') return getStatus(exchange, id);
  throw new Problem('not-found');
}

async function getStatus({ request, response, signal, audit }: Exchange, id: string): Promise<void> {
  audit.action = 'status';
  requireMethod(request.method);
  const caller = await authenticate(tokens, request, 'read');
  const found = await findFile(records, caller, id, signal);
  const wait = waitSecondsOf(request.headers['prefer']);
  const record = await settled(records, found, wait, signal);
  const headers = { vary: 'Accept', ...(wait > 0 && { 'preference-applied': `wait=${wait}` }) };
  if (config.PUBLIC_URL !== undefined && prefersFhir(request.headers.accept)) {
    const attachment = toAttachment(requireReadable(record), config.PUBLIC_URL);
    sendJson(response, 200, 'application/fhir+json; fhirVersion=4.0', attachment, headers);
    return;
  }
  sendHandle(response, 200, toHandle(record), {
    ...headers,
    ...(record.state === 'pending' && { 'retry-after': '1' }),
  });
}

async function getFile(exchange: Exchange, id: string): Promise<void> {
  const { request, signal, audit } = exchange;
  audit.action = 'read';
  const method = requireMethod(request.method);
  const caller = await authenticate(tokens, request, 'read');
  const record = await findFile(records, caller, id, signal);
  await sendFile(reader, exchange, { method, record });
}

function requireMethod(method: string | undefined): 'GET' | 'HEAD' {
  if (method === 'GET' || method === 'HEAD') return method;
  throw new Problem('method-not-allowed', { headers: { allow: 'GET, HEAD' } });
}
