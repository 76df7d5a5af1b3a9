import type { References } from '../../shared/files/references.ts';
import type { TokenVerifier } from '../../shared/identity/tokens.ts';
import type { Shares } from '../../shared/runtime/shares.ts';
import type { ActiveRequests } from './active-requests.ts';
import type { AppendDeps } from './append.ts';
import type { CreateOnceDeps } from './create-file-idempotently.ts';
import type { Intake } from './intake.ts';
import type { LatestUploads } from './latest-uploads.ts';
import type { UploadLimits } from './upload-headers.ts';

/** Dependencies of uploads in several requests. */
export interface Tus extends AppendDeps {
  readonly tokens: TokenVerifier;
  readonly intake: Pick<Intake, 'requireOpen'>;
  readonly terms: UploadLimits;
  readonly references: References;
  /** Shares of each owner: bodies that are being read. */
  readonly uploads: Shares;
  readonly latest: LatestUploads;
  readonly active: ActiveRequests;
  /** Milliseconds from its creation in which an upload is to be completed, at most the week that Cloud Storage gives a session. */
  readonly expiresMs: number;
  /** Aborts when this process is about to end: what a request has sent by then is kept. */
  readonly shutdown: AbortSignal;
}

/** Dependencies of this function's routes. */
export interface Uploads extends Tus, CreateOnceDeps {
  /** Shares of each owner: requests that wait for a verdict. */
  readonly polls: Shares;
}
