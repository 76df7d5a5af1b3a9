import { http } from '@google-cloud/functions-framework';
import * as v from 'valibot';
import { IdempotencyKeys } from '../../shared/files/idempotencyKeys.ts';
import { Records } from '../../shared/files/records.ts';
import { streamBodies } from '../../shared/http/framing.ts';
import { mediaRanges } from '../../shared/http/mediaPolicy.ts';
import { Problem } from '../../shared/http/problems.ts';
import { type Exchange, httpService } from '../../shared/http/service.ts';
import { issuersSchema } from '../../shared/identity/issuers.ts';
import { TokenVerifier } from '../../shared/identity/tokens.ts';
import { bucketName, commonVariables, integer, json, readConfig } from '../../shared/runtime/config.ts';
import { drainOnSignals } from '../../shared/runtime/drain.ts';
import { createLog } from '../../shared/runtime/log.ts';
import { Bucket } from '../../shared/storage/bucket.ts';
import { connectStorage } from '../../shared/storage/connect.ts';
import { type Poster, postFile } from './post.ts';

/** Bytes of the largest object that Cloud Storage keeps: https://cloud.google.com/storage/quotas#objects */
const LARGEST_OBJECT = 5 * 2 ** 40;

const config = readConfig(
  {
    ...commonVariables,
    UNSCANNED_BUCKET: bucketName,
    TOKEN_ISSUERS: json(issuersSchema),
    MAX_UPLOAD_BYTES: v.optional(integer(1, LARGEST_OBJECT), String(LARGEST_OBJECT)),
    ALLOWED_MEDIA_TYPES: v.optional(mediaRanges, ''),
    DENIED_MEDIA_TYPES: v.optional(mediaRanges, ''),
    SNIFF_MEDIA_TYPE: v.optional(v.picklist(['off', 'check'], 'should be off or check'), 'off'),
  },
  process.env,
);
const log = createLog('upload', config.LOG_LEVEL);
const storage = connectStorage(config.STORAGE_EMULATOR_HOST);
const limits = { timeoutMs: config.STORAGE_TIMEOUT_SECONDS * 1000 };
const permanent = new Bucket(storage, config.PERMANENT_BUCKET, limits);
const poster: Poster = {
  tokens: new TokenVerifier(config.TOKEN_ISSUERS, config.STORAGE_EMULATOR_HOST !== undefined),
  terms: {
    maxBytes: config.MAX_UPLOAD_BYTES,
    media: {
      allowed: config.ALLOWED_MEDIA_TYPES,
      denied: config.DENIED_MEDIA_TYPES,
      sniff: config.SNIFF_MEDIA_TYPE === 'check',
    },
  },
  receiver: {
    unscanned: new Bucket(storage, config.UNSCANNED_BUCKET, limits),
    records: new Records(permanent),
    keys: new IdempotencyKeys(permanent),
    patienceMs: 5_000,
    now: () => new Date(),
  },
};

streamBodies(() => true);
drainOnSignals();
http('upload', httpService({ log, project: config.GOOGLE_CLOUD_PROJECT, handler: route }));

async function route(exchange: Exchange): Promise<void> {
  if (exchange.path !== '/files') throw new Problem('not-found');
  if (exchange.request.method !== 'POST') {
    throw new Problem('method-not-allowed', { headers: { allow: 'POST' } });
  }
  await postFile(poster, exchange);
}
