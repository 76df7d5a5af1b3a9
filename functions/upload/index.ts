import { http } from '@google-cloud/functions-framework';
import * as v from 'valibot';
import { toHandle } from '../../shared/files/handle.ts';
import { Records } from '../../shared/files/records.ts';
import { settled } from '../../shared/files/settled.ts';
import { MAX_OBJECT_BYTES } from '../../shared/files/uploading.ts';
import { authenticate } from '../../shared/http/authenticate.ts';
import { fileNameOf } from '../../shared/http/disposition.ts';
import { acceptBody, streamBodies } from '../../shared/http/framing.ts';
import { mediaTypeOf } from '../../shared/http/mediaType.ts';
import { requireReadable } from '../../shared/http/outcome.ts';
import { waitSecondsOf } from '../../shared/http/prefer.ts';
import { Problem } from '../../shared/http/problems.ts';
import { sendHandle, sendJson } from '../../shared/http/respond.ts';
import { type Exchange, httpService } from '../../shared/http/service.ts';
import { issuersSchema, TokenVerifier } from '../../shared/identity/tokens.ts';
import { bucketName, commonVariables, integer, json, readConfig } from '../../shared/runtime/config.ts';
import { drainOnSignals, shutdownSignal } from '../../shared/runtime/drain.ts';
import { createLog } from '../../shared/runtime/log.ts';
import { Bucket } from '../../shared/storage/bucket.ts';
import { connectStorage } from '../../shared/storage/connect.ts';
import { admit, foretold } from './admit.ts';
import { bodyOf } from './body.ts';
import { openDirect } from './direct.ts';
import { directRequest } from './directRequest.ts';
import { type Receiver, receive } from './receive.ts';
import { type Tus, tusRoute } from './tus.ts';

/** A session of Cloud Storage lives a week, and the sweeper should have ended it before. */
const MAX_EXPIRES_SECONDS = 561_600;

const config = readConfig(
  {
    ...commonVariables,
    UNSCANNED_BUCKET: bucketName,
    TOKEN_ISSUERS: json(issuersSchema),
    MAX_SCAN_BYTES: v.optional(integer(1, MAX_OBJECT_BYTES)),
    UPLOAD_EXPIRES_SECONDS: v.optional(integer(1, MAX_EXPIRES_SECONDS), '518400'),
  },
  process.env,
);
const log = createLog('upload', config.LOG_LEVEL);
const storage = connectStorage(config.STORAGE_EMULATOR_HOST);
const tokens = new TokenVerifier(config.TOKEN_ISSUERS, config.STORAGE_EMULATOR_HOST !== undefined);
const limits = { timeoutMs: config.STORAGE_TIMEOUT_SECONDS * 1000 };
const receiver: Receiver = {
  unscanned: new Bucket(storage, config.UNSCANNED_BUCKET, limits),
  records: new Records(new Bucket(storage, config.PERMANENT_BUCKET, limits)),
  now: () => new Date(),
};

const uploads: Tus = {
  ...receiver,
  partBytes: 64 * 1024 * 1024,
  expiresMs: config.UPLOAD_EXPIRES_SECONDS * 1000,
  maxScanBytes: config.MAX_SCAN_BYTES,
  authenticate: ({ request }) => authenticate(tokens, request, 'write'),
  shutdown: shutdownSignal,
};

streamBodies(() => true);
drainOnSignals();
http('upload', httpService({ log, project: config.GOOGLE_CLOUD_PROJECT, handler: route }));

async function route(exchange: Exchange): Promise<void> {
  const { path, request } = exchange;
  const [, collection, id] = /^\/(files|uploads)(?:\/([^/]+))?$/.exec(path) ?? [];
  if (collection === 'uploads' && id !== 'direct') return tusRoute(uploads, exchange, id);
  if (collection === undefined || (collection === 'files' && id !== undefined))
    throw new Problem('not-found');
  if (request.method !== 'POST') throw new Problem('method-not-allowed', { headers: { allow: 'POST' } });
  await (collection === 'files' ? postFile(exchange) : postDirect(exchange));
}

async function postDirect({ request, response, log }: Exchange): Promise<void> {
  const { principal: owner } = await authenticate(tokens, request, 'write');
  acceptBody(request, response);
  const { contentType, fileName, ...order } = await directRequest(request);
  const admitted = admit({ owner, contentType, fileName, size: order.size });
  const opened = await openDirect(uploads, { sha256: undefined, origin: undefined, ...order, ...admitted });
  log.info({ fileId: opened.id, owner, size: order.size }, 'direct session opened');
  const handle = { ...toHandle(opened), ...foretold(order.size, config.MAX_SCAN_BYTES) };
  const { session: uploadUrl, expiresAt } = opened.upload;
  const body = { uploadUrl, expiresAt: expiresAt.toISOString(), handle };
  sendJson(response, 201, 'application/json', body, { location: `/files/${opened.id}` });
}

async function postFile({ request, response, log, signal }: Exchange): Promise<void> {
  const caller = await authenticate(tokens, request, 'write');
  const contentType = mediaTypeOf(request.headers['content-type']);
  if (!contentType) throw new Problem('invalid-request', { detail: 'The Content-Type is not a media type.' });
  const fileName = fileNameOf(request.headers['content-disposition']);
  if (fileName === 'invalid') throw new Problem('invalid-request', { detail: 'The file name is too long.' });
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw new Problem('unsupported-encoding');

  acceptBody(request, response);
  const upload = { owner: caller.principal, contentType, fileName, bytes: bodyOf(request) };
  const received = await receive(receiver, upload);
  log.info({ fileId: received.id, owner: received.owner, size: received.content?.size }, 'file received');
  const wait = waitSecondsOf(request.headers['prefer']);
  const record = await settled(receiver.records, received, wait, signal);
  const headers = {
    location: `/files/${record.id}`,
    ...(wait > 0 && { 'preference-applied': `wait=${wait}` }),
  };
  if (record.state === 'pending')
    sendHandle(
      response,
      202,
      { ...toHandle(record), ...foretold(record.content?.size, config.MAX_SCAN_BYTES) },
      { ...headers, 'retry-after': '1' },
    );
  else sendHandle(response, 201, toHandle(requireReadable(record)), headers);
}
