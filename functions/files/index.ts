import { http } from '@google-cloud/functions-framework';
import * as v from 'valibot';
import { watchDeployment, watchVariables } from '../../shared/deployment/connect.ts';
import { addressed } from '../../shared/events/cloud-event.ts';
import { createPublisher } from '../../shared/events/publisher.ts';
import { Blobs } from '../../shared/files/blobs.ts';
import { Findings } from '../../shared/files/findings.ts';
import { Receipts } from '../../shared/files/receipts.ts';
import { Records } from '../../shared/files/records.ts';
import { References } from '../../shared/files/references.ts';
import { SharedFiles } from '../../shared/files/shared-files.ts';
import { allowOrigins, corsOrigins } from '../../shared/framework/cors.ts';
import { drainOnSignals } from '../../shared/framework/drain.ts';
import { streamBodies } from '../../shared/framework/framing.ts';
import { httpService } from '../../shared/http/service.ts';
import { issuersSchema } from '../../shared/identity/issuers.ts';
import { TokenVerifier } from '../../shared/identity/tokens.ts';
import { Background } from '../../shared/runtime/background.ts';
import {
  commonVariables,
  deduplicationScope,
  filesUrl,
  flag,
  integer,
  json,
  nonEmpty,
  readConfig,
} from '../../shared/runtime/config.ts';
import { createLog } from '../../shared/runtime/log.ts';
import { Shares } from '../../shared/runtime/shares.ts';
import { Bucket } from '../../shared/storage/bucket.ts';
import { connectKms, connectSigner, connectStorage, storageOrigin } from '../../shared/storage/connect.ts';
import { openTracing } from '../../shared/tracing/connect.ts';
import { ReceiptWriter } from './receipt-writer.ts';
import { RecordWriter } from './record-writer.ts';
import { type Redirect, redirectVariables } from './redirect.ts';
import { router } from './router.ts';
import { resources } from './routes/resources.ts';
import { connectVerdicts, verdictVariables } from './verdicts/connect.ts';

const config = readConfig(
  {
    ...commonVariables,
    ...watchVariables,
    TOKEN_ISSUERS: json(issuersSchema),
    FILES_URL: filesUrl,
    CORS_ORIGINS: corsOrigins,
    DEDUPLICATE: deduplicationScope,
    LONG_POLLS_PER_CALLER: v.optional(integer(0, 1_000), '60'),
    RECEIPTS: v.optional(flag, 'true'),
    SCAN_EVENTS_TOPIC: v.optional(nonEmpty),
    RESCAN_TOPIC: v.optional(nonEmpty),
    ORDERED_EVENTS: v.optional(flag, 'false'),
    ...redirectVariables,
    ...verdictVariables,
  },
  process.env,
);
const log = createLog('files', config.LOG_LEVEL);
const tracing = await openTracing('files', config, log);
const limits = { timeoutMs: config.STORAGE_TIMEOUT_SECONDS * 1000, paced: true };
const storage = connectStorage(config.STORAGE_EMULATOR_HOST, config.EMULATOR_CREDENTIALS);
const permanent = new Bucket(storage, config.PERMANENT_BUCKET, limits);
const now = () => new Date();
const records = new Records(permanent);
const receipts = new Receipts(permanent);
const events = publisherOf(config);
const background = new Background(log);
const rescans =
  config.RESCAN_TOPIC === undefined
    ? undefined
    : createPublisher(config.GOOGLE_CLOUD_PROJECT, config.RESCAN_TOPIC, {
        emulatorCredentials: config.EMULATOR_CREDENTIALS,
        tracing,
      });
const handler = router(
  resources({
    tokens: new TokenVerifier(config.TOKEN_ISSUERS, config.STORAGE_EMULATOR_HOST !== undefined),
    records,
    writer: new RecordWriter(records),
    references: new References(permanent),
    deployment: watchDeployment(config, storage, log),
    shared: new SharedFiles(permanent),
    receipts,
    publish: events?.publish,
    background,
    receiptWriter:
      config.RECEIPTS && events ? new ReceiptWriter({ receipts, publish: events.publish, now }) : undefined,
    findings: new Findings(permanent),
    requestRescan: rescans?.publish,
    blobs: new Blobs(permanent, { deduplicate: config.DEDUPLICATE }),
    redirect: redirectOf(config.REDIRECT_ABOVE_BYTES),
    verdicts: connectVerdicts(config, { ...limits, filesUrl: config.FILES_URL, connectKms }),
    filesUrl: config.FILES_URL,
    polls: new Shares(config.LONG_POLLS_PER_CALLER),
    now,
  }),
);

// The one route that wants a body reads it itself, after it knows who sends it.
streamBodies(() => true);
allowOrigins(config.CORS_ORIGINS);
drainOnSignals(log, async () => {
  await Promise.all([background.ended(), events?.close(), rescans?.close(), tracing.flush()]);
});
http(
  'files',
  httpService({
    log,
    tracing,
    project: config.GOOGLE_CLOUD_PROJECT,
    filesUrl: config.FILES_URL,
    requestTimeoutSeconds: config.REQUEST_TIMEOUT_SECONDS,
    handler,
  }),
);

function redirectOf(aboveBytes: number | undefined): Redirect | undefined {
  if (aboveBytes === undefined) return undefined;
  return {
    aboveBytes,
    seconds: config.SIGNED_URL_SECONDS,
    origin: storageOrigin(config.STORAGE_EMULATOR_HOST),
    signer: connectSigner({ key: config.SIGNING_KEY, email: config.SIGNING_SERVICE_ACCOUNT, ...limits }),
  };
}

/** @throws {Error} where receipts need it, and it is not configured what events are to be published as, and where */
function publisherOf({ SCAN_EVENTS_TOPIC: topic, FILES_URL: url, RECEIPTS, ...others }: typeof config) {
  if (topic === undefined || url === undefined) {
    if (!RECEIPTS) return undefined;
    throw new Error('Configuration: RECEIPTS needs SCAN_EVENTS_TOPIC and FILES_URL');
  }
  const { GOOGLE_CLOUD_PROJECT, ORDERED_EVENTS: ordered, EMULATOR_CREDENTIALS: emulatorCredentials } = others;
  const { publish, close } = createPublisher(GOOGLE_CLOUD_PROJECT, topic, {
    ordered,
    emulatorCredentials,
    tracing,
  });
  return { publish: addressed(publish, url), close };
}
