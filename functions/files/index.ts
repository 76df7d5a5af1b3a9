import { http } from '@google-cloud/functions-framework';
import { Blobs } from '../../shared/files/blobs.ts';
import { Records } from '../../shared/files/records.ts';
import { RecordWriter } from '../../shared/files/recordWriter.ts';
import { References } from '../../shared/files/references.ts';
import { streamBodies } from '../../shared/http/framing.ts';
import { router } from '../../shared/http/router.ts';
import { httpService } from '../../shared/http/service.ts';
import { issuersSchema } from '../../shared/identity/issuers.ts';
import { TokenVerifier } from '../../shared/identity/tokens.ts';
import { commonVariables, json, readConfig } from '../../shared/runtime/config.ts';
import { drainOnSignals } from '../../shared/runtime/drain.ts';
import { createLog } from '../../shared/runtime/log.ts';
import { Bucket } from '../../shared/storage/bucket.ts';
import { connectStorage } from '../../shared/storage/connect.ts';
import { resources } from './routes/resources.ts';

const config = readConfig({ ...commonVariables, TOKEN_ISSUERS: json(issuersSchema) }, process.env);
const log = createLog('files', config.LOG_LEVEL);
const permanent = new Bucket(connectStorage(config.STORAGE_EMULATOR_HOST), config.PERMANENT_BUCKET, {
  timeoutMs: config.STORAGE_TIMEOUT_SECONDS * 1000,
});
const records = new Records(permanent);
const handler = router(
  resources({
    tokens: new TokenVerifier(config.TOKEN_ISSUERS, config.STORAGE_EMULATOR_HOST !== undefined),
    records,
    writer: new RecordWriter(records),
    references: new References(permanent),
    blobs: new Blobs(permanent),
    now: () => new Date(),
  }),
);

// No route of this function wants a body: it is never read, whatever a client sends.
streamBodies(() => true);
drainOnSignals();
http('files', httpService({ log, project: config.GOOGLE_CLOUD_PROJECT, handler }));
