import type { IncomingMessage } from 'node:http';
import { http } from '@google-cloud/functions-framework';
import { toHandle } from '../../shared/files/handle.ts';
import { Records } from '../../shared/files/records.ts';
import { settled } from '../../shared/files/settled.ts';
import { authenticate } from '../../shared/http/authenticate.ts';
import { fileNameOf } from '../../shared/http/disposition.ts';
import { acceptBody, framingOf, streamBodies } from '../../shared/http/framing.ts';
import { mediaTypeOf } from '../../shared/http/mediaType.ts';
import { requireReadable } from '../../shared/http/outcome.ts';
import { waitSecondsOf } from '../../shared/http/prefer.ts';
import { Problem } from '../../shared/http/problems.ts';
import { sendHandle } from '../../shared/http/respond.ts';
import { type Exchange, httpService } from '../../shared/http/service.ts';
import { issuersSchema, TokenVerifier } from '../../shared/identity/tokens.ts';
import { bucketName, commonVariables, json, readConfig } from '../../shared/runtime/config.ts';
import { drainOnSignals } from '../../shared/runtime/drain.ts';
import { createLog } from '../../shared/runtime/log.ts';
import { Bucket } from '../../shared/storage/bucket.ts';
import { connectStorage } from '../../shared/storage/connect.ts';
import { type Receiver, receive } from './receive.ts';

const config = readConfig(
  { ...commonVariables, UNSCANNED_BUCKET: bucketName, TOKEN_ISSUERS: json(issuersSchema) },
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

streamBodies(() => true);
drainOnSignals();
http('upload', httpService({ log, project: config.GOOGLE_CLOUD_PROJECT, handler: route }));

async function route(exchange: Exchange): Promise<void> {
  if (exchange.path !== '/files') throw new Problem('not-found');
  if (exchange.request.method !== 'POST') {
    throw new Problem('method-not-allowed', { headers: { allow: 'POST' } });
  }
  await postFile(exchange);
}

async function postFile({ request, response, log, signal, audit }: Exchange): Promise<void> {
  audit.action = 'upload';
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
  audit.fileId = received.id;
  log.info({ fileId: received.id, owner: received.owner, size: received.content?.size }, 'file received');
  const wait = waitSecondsOf(request.headers['prefer']);
  const record = await settled(receiver.records, received, wait, signal);
  const headers = {
    location: `/files/${record.id}`,
    ...(wait > 0 && { 'preference-applied': `wait=${wait}` }),
  };
  if (record.state === 'pending')
    sendHandle(response, 202, toHandle(record), { ...headers, 'retry-after': '1' });
  else sendHandle(response, 201, toHandle(requireReadable(record)), headers);
}

/** The body, which throws where it ends before its framing says that it is over. */
async function* bodyOf(request: IncomingMessage): AsyncGenerator<Uint8Array> {
  let size = 0;
  try {
    // Not destroyed with the iteration: the connection carries the answer too.
    for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      size += piece.length;
      yield piece;
    }
  } catch (cause) {
    throw incomplete(size, cause);
  }
  const { contentLength } = framingOf(request);
  if (!request.complete || (contentLength !== undefined && contentLength !== size)) throw incomplete(size);
}

function incomplete(size: number, cause?: unknown): Problem {
  return new Problem('upload-incomplete', { detail: `${size} bytes arrived.`, ...(cause ? { cause } : {}) });
}
