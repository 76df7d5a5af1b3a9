import { Readable } from 'node:stream';
import { ENVELOPE_MEDIA_TYPE, type Envelope, toEnvelope } from '../../../shared/signing/envelope.ts';
import type { StatementSigner } from '../../../shared/signing/signer.ts';
import type { Bucket } from '../../../shared/storage/bucket.ts';
import { allObjects } from '../../../shared/storage/page.ts';
import type { AuditReport } from './audit.ts';

/** The media type of a report, which a signature in DSSE covers: one of a report is good for nothing else. */
export const REPORT_MEDIA_TYPE = 'application/vnd.hops-fileshare.audit.v1+json';

/** The prefix of the names of all reports, followed by the time at which the audit ended. */
const REPORTS_PREFIX = 'auditor/reports/';

interface ReportDeps {
  readonly signer: StatementSigner;
  readonly permanent: Bucket;
  readonly unscanned: Bucket;
}

/** A report as it was signed, and the object that keeps it. */
export interface SignedReport {
  readonly name: string;
  readonly envelope: Envelope;
}

/**
 * Signs what an audit has found, with the buckets that it looked at, and keeps that as an object that nobody replaces.
 * @throws {StorageError} where it cannot be signed or kept
 */
export async function signReport(
  { signer, permanent, unscanned }: ReportDeps,
  report: AuditReport,
): Promise<SignedReport> {
  const buckets = { permanent: permanent.name, unscanned: unscanned.name };
  const payload = Buffer.from(JSON.stringify({ buckets, ...report }));
  const envelope = await toEnvelope(signer, REPORT_MEDIA_TYPE, payload);
  const name = REPORTS_PREFIX + report.ended;
  const bytes = Readable.from(Buffer.from(JSON.stringify(envelope)));
  await (await permanent.stage(name, bytes, { contentType: ENVELOPE_MEDIA_TYPE })).commit();
  return { name, envelope };
}

/**
 * Marks every report that is older than `newest` with a custom time, where it has none. The lifecycle rule of terraform/buckets.tf
 * deletes old reports that are marked: so the newest stays, however long no audit is signed.
 * @throws {StorageError}; the next call marks what this one did not
 */
export async function markSuperseded(permanent: Bucket, newest: string, now: Date): Promise<void> {
  for await (const report of allObjects(permanent, { prefix: REPORTS_PREFIX, endOffset: newest })) {
    if (!report.customTime) await permanent.setCustomTime(report.name, report, now);
  }
}
