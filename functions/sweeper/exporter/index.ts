import * as v from 'valibot';
import { isDraining } from '../../../shared/framework/drain.ts';
import type { RequestContext } from '../../../shared/http/service.ts';
import { bucketName, commonVariables, integer, readConfig } from '../../../shared/runtime/config.ts';
import { createLog } from '../../../shared/runtime/log.ts';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import { openTracing } from '../../../shared/tracing/connect.ts';
import { serveSchedule } from '../serve-schedule.ts';
import { Archive } from './archive.ts';
import { type ExportDeps, type ExportReport, exportRecords } from './export.ts';

/** Bytes: several parts are written at a time. */
const CHUNK_BYTES = 1024 * 1024;

const config = readConfig(
  {
    ...commonVariables,
    EXPORT_BUCKET: bucketName,
    EXPORT_FULL_EVERY: v.optional(integer(1, 100), '7'),
    EXPORT_BUDGET_SECONDS: v.optional(integer(1, 3_000), '1500'),
  },
  process.env,
);
const log = createLog('exporter', config.LOG_LEVEL);
const tracing = await openTracing('exporter', config, log);
const storage = connectStorage(config.STORAGE_EMULATOR_HOST, config.EMULATOR_CREDENTIALS);
const limits = { timeoutMs: config.STORAGE_TIMEOUT_SECONDS * 1000 };
const exporter: ExportDeps = {
  permanent: new Bucket(storage, config.PERMANENT_BUCKET, limits),
  archive: new Archive(new Bucket(storage, config.EXPORT_BUCKET, { ...limits, chunkBytes: CHUNK_BYTES })),
  fullEvery: config.EXPORT_FULL_EVERY,
  now: () => new Date(),
  log,
};

serveSchedule({ name: 'exporter', path: '/export', action: 'export', config, log, tracing, run });

async function run(context: RequestContext): Promise<ExportReport> {
  const terms = { budgetMs: config.EXPORT_BUDGET_SECONDS * 1000, stopping: isDraining };
  const report = await exportRecords({ ...exporter, log: context.log }, terms);
  context.log.info(report, 'export completed');
  return report;
}
