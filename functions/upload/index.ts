import { http } from '@google-cloud/functions-framework';
import * as v from 'valibot';
import { watchDeployment, watchVariables } from '../../shared/deployment/connect.ts';
import { callbackOrigins } from '../../shared/files/callback-url.ts';
import { Records } from '../../shared/files/records.ts';
import { References } from '../../shared/files/references.ts';
import { MAX_OBJECT_BYTES } from '../../shared/files/uploading.ts';
import { allowOrigins, corsOrigins } from '../../shared/framework/cors.ts';
import { drainOnSignals, shutdownSignal } from '../../shared/framework/drain.ts';
import { streamBodies } from '../../shared/framework/framing.ts';
import { Problem } from '../../shared/http/problems.ts';
import { requireKnown } from '../../shared/http/query.ts';
import { sendEmpty } from '../../shared/http/respond.ts';
import { httpService, type RequestContext } from '../../shared/http/service.ts';
import { issuersSchema } from '../../shared/identity/issuers.ts';
import { TokenVerifier } from '../../shared/identity/tokens.ts';
import {
  bucketName,
  commonVariables,
  filesUrl,
  flag,
  integer,
  json,
  readConfig,
} from '../../shared/runtime/config.ts';
import { createLog } from '../../shared/runtime/log.ts';
import { Shares } from '../../shared/runtime/shares.ts';
import { Bucket } from '../../shared/storage/bucket.ts';
import { connectStorage } from '../../shared/storage/connect.ts';
import { openTracing } from '../../shared/tracing/connect.ts';
import { ActiveRequests } from './active-requests.ts';
import { callbackOwners, callbacksOf } from './callbacks.ts';
import { postDirect } from './direct.ts';
import { HeldDigests } from './held-digests.ts';
import { IdempotencyKeys } from './idempotency-keys.ts';
import { Intake } from './intake.ts';
import { LatestUploads } from './latest-uploads.ts';
import { mediaRanges } from './media/media-policy.ts';
import { postFile } from './post.ts';
import { generalLimit, resumableRoute } from './resumable.ts';
import { tusRoute } from './tus.ts';
import type { Uploads } from './uploads.ts';

/** A Cloud Storage session lives a week, and the sweeper should end it before that. */
const MAX_EXPIRES_SECONDS = 561_600;

const config = readConfig(
  {
    ...commonVariables,
    ...watchVariables,
    UNSCANNED_BUCKET: bucketName,
    TOKEN_ISSUERS: json(issuersSchema),
    FILES_URL: filesUrl,
    CORS_ORIGINS: corsOrigins,
    MAX_UPLOAD_BYTES: v.optional(integer(1, MAX_OBJECT_BYTES), String(MAX_OBJECT_BYTES)),
    MAX_SCAN_BYTES: v.optional(integer(1, MAX_OBJECT_BYTES)),
    WINDOWED_SCAN_MAX_BYTES: v.optional(integer(0, Number.MAX_SAFE_INTEGER), '0'),
    ALLOWED_MEDIA_TYPES: v.optional(mediaRanges, ''),
    DENIED_MEDIA_TYPES: v.optional(mediaRanges, ''),
    SNIFF_MEDIA_TYPE: v.optional(v.picklist(['off', 'check'], 'should be off or check'), 'off'),
    CALLBACK_ORIGINS: callbackOrigins,
    CALLBACK_OWNERS: callbackOwners,
    CALLBACK_LOOPBACK: v.optional(flag, 'false'),
    UPLOADS_PER_OWNER: v.optional(integer(1, 1_000), '25'),
    LONG_POLLS_PER_CALLER: v.optional(integer(0, 1_000), '10'),
    UPLOAD_EXPIRES_SECONDS: v.optional(integer(1, MAX_EXPIRES_SECONDS), '518400'),
  },
  process.env,
);
const log = createLog('upload', config.LOG_LEVEL);
const tracing = await openTracing('upload', config, log);
const storage = connectStorage(config.STORAGE_EMULATOR_HOST, config.EMULATOR_CREDENTIALS);
const limits = { timeoutMs: config.STORAGE_TIMEOUT_SECONDS * 1000, paced: true };
const permanent = new Bucket(storage, config.PERMANENT_BUCKET, limits);
const now = () => new Date();
const uploads: Uploads = {
  tokens: new TokenVerifier(config.TOKEN_ISSUERS, config.STORAGE_EMULATOR_HOST !== undefined),
  terms: {
    maxBytes: config.MAX_UPLOAD_BYTES,
    maxScanBytes: config.MAX_SCAN_BYTES && Math.max(config.MAX_SCAN_BYTES, config.WINDOWED_SCAN_MAX_BYTES),
    media: {
      allowed: config.ALLOWED_MEDIA_TYPES,
      denied: config.DENIED_MEDIA_TYPES,
      sniff: config.SNIFF_MEDIA_TYPE === 'check',
    },
    callbacks: callbacksOf(config),
    filesUrl: config.FILES_URL,
  },
  unscanned: new Bucket(storage, config.UNSCANNED_BUCKET, limits),
  records: new Records(permanent),
  keys: new IdempotencyKeys(permanent),
  references: new References(permanent),
  intake: new Intake(watchDeployment(config, storage, log), now),
  uploads: new Shares(config.UPLOADS_PER_OWNER),
  polls: new Shares(config.LONG_POLLS_PER_CALLER),
  digests: new HeldDigests(),
  latest: new LatestUploads(),
  active: new ActiveRequests(),
  partBytes: 64 * 1024 * 1024,
  patienceMs: 5_000,
  expiresMs: config.UPLOAD_EXPIRES_SECONDS * 1000,
  shutdown: shutdownSignal,
  now,
};

/** Tells clients that they use the wrong host name. */
const elsewhere = config.FILES_URL ? { detail: `Files are read at ${config.FILES_URL}/files.` } : {};

streamBodies(() => true);
allowOrigins(config.CORS_ORIGINS);
drainOnSignals(log, () => tracing.flush());
http(
  'upload',
  httpService({
    log,
    tracing,
    project: config.GOOGLE_CLOUD_PROJECT,
    filesUrl: config.FILES_URL,
    requestTimeoutSeconds: config.REQUEST_TIMEOUT_SECONDS,
    handler: route,
  }),
);

async function route(context: RequestContext): Promise<void> {
  context.audit.action = 'upload';
  const [, upload] = /^\/uploads\/resumable\/([^/]+)$/.exec(context.path) ?? [];
  if (upload !== undefined) return resumableRoute(uploads, context, upload);
  // Headers, and the body of an order, describe a new file; a query does not.
  if (context.request.method === 'POST') requireKnown(context.query);
  const [, collection, id] = /^\/(files|uploads)(?:\/([^/]+))?$/.exec(withoutSlash(context.path)) ?? [];
  if (collection === 'uploads' && id !== 'direct') return tusRoute(uploads, context, id);
  if (collection === undefined) throw new Problem('not-found');
  if (collection === 'files' && id !== undefined) throw new Problem('not-found', elsewhere);
  const isFiles = collection === 'files';
  if (isFiles && context.request.method === 'OPTIONS') {
    return sendEmpty(context.response, 204, { allow: 'OPTIONS, POST', ...generalLimit(uploads) });
  }
  if (context.request.method !== 'POST') {
    const allow = isFiles ? 'OPTIONS, POST' : 'POST';
    throw new Problem('method-not-allowed', { ...elsewhere, headers: { allow } });
  }
  await (isFiles ? postFile(uploads, context) : postDirect(uploads, context));
}

/** Clients of tus join addresses in their own ways: `/uploads/` is `/uploads`. */
function withoutSlash(path: string): string {
  return path.startsWith('/uploads/') ? path.replace(/\/$/, '') : path;
}
