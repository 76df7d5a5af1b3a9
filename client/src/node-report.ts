import { FileshareIntegrityError } from './errors.ts';
import { openSigned, type VerdictKeys } from './node-signed.ts';

const REPORT_MEDIA_TYPE = 'application/vnd.hops-fileshare.audit.v1+json';

/** The report of an audit, as its deployment signed it. Times are RFC 3339. */
export interface AuditReport {
  /** Names of the buckets that were looked at. */
  readonly buckets: { readonly permanent: string; readonly unscanned: string };
  readonly began: string;
  readonly ended: string;
  /** Files and contents that were looked at. */
  readonly files: number;
  readonly blobs: number;
  /** How often each rule is broken; empty where none is. */
  readonly broken: Readonly<Record<string, number>>;
  /** The first objects that break one. */
  readonly examples: readonly { readonly rule: string; readonly object: string }[];
  /** False where the time was up first: a later report goes on from there. */
  readonly complete: boolean;
}

/**
 * Checks offline that a deployment signed this report of an audit. Whether a rule is broken, the caller looks up in `broken`.
 * @param report text of an envelope of DSSE
 * @param keys of the deployment, from a source that is trusted
 * @throws {FileshareIntegrityError}
 */
export function verifyReport(report: string, keys: VerdictKeys): AuditReport {
  const opened = openSigned<Partial<AuditReport>>(report, keys, REPORT_MEDIA_TYPE);
  const { buckets, ended, broken, complete } = opened ?? {};
  if (buckets && ended && typeof broken === 'object' && typeof complete === 'boolean')
    return opened as AuditReport;
  throw new FileshareIntegrityError('The signature is valid, but this is no audit report');
}
