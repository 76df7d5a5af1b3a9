import { http } from '@google-cloud/functions-framework';
import * as v from 'valibot';
import { Blobs } from '../../shared/files/blobs.ts';
import { Findings } from '../../shared/files/findings.ts';
import { Records } from '../../shared/files/records.ts';
import { References } from '../../shared/files/references.ts';
import { allowOrigins, corsOrigins } from '../../shared/framework/cors.ts';
import { drainOnSignals } from '../../shared/framework/drain.ts';
import { streamBodies } from '../../shared/framework/framing.ts';
import { httpService } from '../../shared/http/service.ts';
import { issuersSchema } from '../../shared/identity/issuers.ts';
import { TokenVerifier } from '../../shared/identity/tokens.ts';
import {
  commonVariables,
  deduplicationScope,
  filesUrl,
  integer,
  json,
  readConfig,
} from '../../shared/runtime/config.ts';
import { createLog } from '../../shared/runtime/log.ts';
import { Shares } from '../../shared/runtime/shares.ts';
import { Bucket } from '../../shared/storage/bucket.ts';
import { connectKms, connectSigner, connectStorage, storageOrigin } from '../../shared/storage/connect.ts';
import { RecordWriter } from './record-writer.ts';
import { type Redirect, redirectVariables } from './redirect.ts';
import { router } from './router.ts';
import { resources } from './routes/resources.ts';
import { connectVerdicts, verdictVariables } from './verdicts/connect.ts';

const config = readConfig(
  {
    ...commonVariables,
    TOKEN_ISSUERS: json(issuersSchema),
    FILES_URL: filesUrl,
    CORS_ORIGINS: corsOrigins,
    DEDUPLICATE: deduplicationScope,
    LONG_POLLS_PER_CALLER: v.optional(integer(0, 1_000), '60'),
    ...redirectVariables,
    ...verdictVariables,
  },
  process.env,
);
const log = createLog('files', config.LOG_LEVEL);
const limits = { timeoutMs: config.STORAGE_TIMEOUT_SECONDS * 1000, paced: true };
const permanent = new Bucket(
  connectStorage(config.STORAGE_EMULATOR_HOST, config.EMULATOR_CREDENTIALS),
  config.PERMANENT_BUCKET,
  limits,
);
const records = new Records(permanent);
const handler = router(
  resources({
    tokens: new TokenVerifier(config.TOKEN_ISSUERS, config.STORAGE_EMULATOR_HOST !== undefined),
    records,
    writer: new RecordWriter(records),
    references: new References(permanent),
    findings: new Findings(permanent),
    blobs: new Blobs(permanent, { deduplicate: config.DEDUPLICATE }),
    redirect: redirectOf(config.REDIRECT_ABOVE_BYTES),
    verdicts: connectVerdicts(config, { ...limits, filesUrl: config.FILES_URL, connectKms }),
    filesUrl: config.FILES_URL,
    polls: new Shares(config.LONG_POLLS_PER_CALLER),
    now: () => new Date(),
  }),
);

// The one route that wants a body reads it itself, after it knows who sends it.
streamBodies(() => true);
allowOrigins(config.CORS_ORIGINS);
drainOnSignals(log);
http(
  'files',
  httpService({
    log,
    project: config.GOOGLE_CLOUD_PROJECT,
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
