import type { DeploymentWatch } from '../../shared/deployment/watch.ts';
import type { Publish } from '../../shared/events/cloud-event.ts';
import type { Blobs } from '../../shared/files/blobs.ts';
import type { Findings } from '../../shared/files/findings.ts';
import type { Receipts } from '../../shared/files/receipts.ts';
import type { Records } from '../../shared/files/records.ts';
import type { References } from '../../shared/files/references.ts';
import type { SharedFiles } from '../../shared/files/shared-files.ts';
import type { TokenVerifier } from '../../shared/identity/tokens.ts';
import type { Background } from '../../shared/runtime/background.ts';
import type { Shares } from '../../shared/runtime/shares.ts';
import type { ReceiptWriter } from './receipt-writer.ts';
import type { RecordWriter } from './record-writer.ts';
import type { Redirect } from './redirect.ts';
import type { Verdicts } from './verdicts/connect.ts';

/** Dependencies of this function's routes. */
export interface Files {
  readonly tokens: TokenVerifier;
  readonly records: Records;
  readonly writer: RecordWriter;
  readonly references: References;
  readonly shared: SharedFiles;
  readonly deployment: Pick<DeploymentWatch, 'refresh' | 'state'>;
  /** Publishes that files are shared; absent: the sweeper does. */
  readonly publish: Publish | undefined;
  /** Runs the steps of a request that nobody waits for, and that the sweeper would do too. */
  readonly background: Background;
  readonly receipts: Receipts;
  /** Absent: downloads leave no receipts. */
  readonly receiptWriter: ReceiptWriter | undefined;
  readonly blobs: Blobs;
  readonly findings: Findings;
  /** Absent: every byte goes through this function. */
  readonly redirect: Redirect | undefined;
  /** Publishes to the rescanner; absent: nobody can ask it. */
  readonly requestRescan: Publish | undefined;
  /** Absent: no statements are signed. */
  readonly verdicts: Verdicts | undefined;
  /** Where clients reach this function; without it links are relative and there is no FHIR. */
  readonly filesUrl: string | undefined;
  /** Requests of a caller that wait for a verdict. */
  readonly polls: Shares;
  readonly now: () => Date;
}
