import * as v from 'valibot';
import { Findings } from '../../../shared/files/findings.ts';
import { isDraining } from '../../../shared/framework/drain.ts';
import type { RequestContext } from '../../../shared/http/service.ts';
import {
  bucketName,
  commonVariables,
  deduplicationScope,
  integer,
  readConfig,
} from '../../../shared/runtime/config.ts';
import { defined } from '../../../shared/runtime/defined.ts';
import { createLog } from '../../../shared/runtime/log.ts';
import { keyVariables, signingKey } from '../../../shared/signing/connect.ts';
import { StatementSigner } from '../../../shared/signing/signer.ts';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectKms, connectStorage } from '../../../shared/storage/connect.ts';
import { openTracing } from '../../../shared/tracing/connect.ts';
import { serveSchedule } from '../serve-schedule.ts';
import { abandonedAfterSeconds, blobGraceSeconds, tombstoneDays } from '../terms.ts';
import { type AuditDeps, type AuditReport, audit } from './audit.ts';
import { markSuperseded, type SignedReport, signReport } from './signed-report.ts';

const WEEK_SECONDS = 604_800;

const config = readConfig(
  {
    ...commonVariables,
    UNSCANNED_BUCKET: bucketName,
    DEDUPLICATE: deduplicationScope,
    ABANDONED_AFTER_SECONDS: abandonedAfterSeconds,
    COLLECT_BLOB_GRACE_SECONDS: blobGraceSeconds,
    TOMBSTONE_DAYS: tombstoneDays,
    AUDIT_GRACE_SECONDS: v.optional(integer(1, 52 * WEEK_SECONDS), '172800'),
    AUDIT_BUDGET_SECONDS: v.optional(integer(1, 3_000), '1500'),
    ...keyVariables,
    AUDIT_BLOBS_IN_MEMORY: v.optional(integer(1, 1_000_000), '100000'),
  },
  process.env,
);
const log = createLog('auditor', config.LOG_LEVEL);
const tracing = await openTracing('auditor', config, log);
const storage = connectStorage(config.STORAGE_EMULATOR_HOST, config.EMULATOR_CREDENTIALS);
const limits = { timeoutMs: config.STORAGE_TIMEOUT_SECONDS * 1000, paced: true };
const permanent = new Bucket(storage, config.PERMANENT_BUCKET, limits);
const auditor: AuditDeps = {
  permanent,
  unscanned: new Bucket(storage, config.UNSCANNED_BUCKET, limits),
  findings: new Findings(permanent),
  scope: config.DEDUPLICATE,
  portion: config.AUDIT_BLOBS_IN_MEMORY,
  graceMs: config.AUDIT_GRACE_SECONDS * 1000,
  abandonedAfterMs: config.ABANDONED_AFTER_SECONDS * 1000,
  tombstoneMs: config.TOMBSTONE_DAYS * 86_400_000,
  blobGraceMs: config.COLLECT_BLOB_GRACE_SECONDS * 1000,
  now: () => new Date(),
  log,
};

const key = config.VERDICT_KEY;
const signer = key && new StatementSigner(signingKey(key, { ...limits, connectKms }));

serveSchedule({ name: 'auditor', path: '/audit', action: 'audit', config, log, tracing, run });

async function run(context: RequestContext): Promise<AuditReport & { readonly signed?: SignedReport }> {
  const terms = { budgetMs: config.AUDIT_BUDGET_SECONDS * 1000, stopping: isDraining };
  const report = await audit({ ...auditor, log: context.log }, terms);
  const { examples: _, ...counts } = report;
  const signed = await signedReport(report, context);
  context.log.info({ ...counts, ...defined({ signed: signed?.name }) }, 'audit completed');
  if (signed) {
    await markSuperseded(permanent, signed.name, auditor.now()).catch((error: unknown) => {
      context.log.warn({ err: error }, 'superseded reports not marked');
    });
  }
  return { ...report, ...defined({ signed }) };
}

/** A report that cannot be signed is one still: what is broken has to be known. */
async function signedReport(report: AuditReport, context: RequestContext): Promise<SignedReport | undefined> {
  if (!signer) return undefined;
  try {
    return await signReport({ ...auditor, signer }, report);
  } catch (error) {
    // docs/operations.md names the alert by this message.
    context.log.error({ err: error }, 'audit report not signed');
    return undefined;
  }
}
