/** Outcome of a file. `uploading` and `pending` change without a request, the others stay. */
export type State =
  | 'uploading'
  | 'pending'
  | 'clean'
  | 'infected'
  | 'unscannable'
  | 'failed'
  | 'expired'
  | 'deleted';

/** The service's view of a file, for those who may see it. Times are RFC 3339, sizes bytes. */
export interface Handle {
  readonly id: string;
  readonly state: State;
  /** The principal who uploaded it, such as `org:889640782`. */
  readonly owner: string;
  readonly contentType: string;
  readonly fileName?: string;
  /** The identifier that its uploader gave it. */
  readonly correlationId?: string;
  readonly size?: number;
  /** Lower-case hexadecimal digits. */
  readonly sha256?: string;
  readonly createdAt: string;
  readonly scannedAt?: string;
  /** An earlier scan of the same content decided. */
  readonly reused?: true;
  readonly deletedAt?: string;
  readonly engine?: { readonly version: string; readonly database?: number; readonly databaseDate?: string };
  /** ClamAV's name for what it found; `infected` alone. */
  readonly signature?: string;
  /** Why it could not be scanned (`unscannable`) or processed (`failed`). */
  readonly reason?: string;
  readonly detail?: string;
  /** Whether it is handed out though it could not be scanned; `unscannable` alone. */
  readonly accepted?: boolean;
  /** How far it is; `uploading` alone. */
  readonly upload?: { readonly offset?: number; readonly length?: number; readonly expiresAt: string };
  /** How many it is shared with; told to its owner and to administrators alone. */
  readonly viewerCount?: number;
  readonly links: { readonly self: string; readonly status: string };
}

/** Owner and viewers of a file. */
export interface Viewers {
  readonly owner: string;
  readonly viewers: readonly string[];
}

/** Whether the service has not decided yet. */
export function isUnderWay({ state }: Pick<Handle, 'state'>): boolean {
  return state === 'uploading' || state === 'pending';
}

/** Whether the file can be downloaded: clean, or accepted by the policy of the deployment. */
export function isAvailable({ state, accepted }: Pick<Handle, 'state' | 'accepted'>): boolean {
  return state === 'clean' || (state === 'unscannable' && accepted === true);
}
