/** Members that a handle has in every state. Times are RFC 3339, sizes bytes. */
interface Described {
  readonly id: string;
  /** The principal who uploaded it, such as `org:889640782`. */
  readonly owner: string;
  readonly contentType: string;
  readonly fileName?: string;
  /** The identifier that its uploader gave it. */
  readonly correlationId?: string;
  readonly createdAt: string;
  /** The end that its owner gave it: it is deleted from then on. */
  readonly expiresAt?: string;
  /** When you cease to see it; absent for its owner, and for grants without an end. */
  readonly until?: string;
  /** How many it is shared with; told to its owner and to administrators alone. */
  readonly viewerCount?: number;
  /** The outcome that is certain; only in the answer to the upload. */
  readonly expected?: { readonly state: 'unscannable'; readonly reason: 'tooLarge' };
  readonly links: { readonly self: string; readonly status: string };
}

/** Bytes that the service has counted itself. */
interface Content {
  readonly size: number;
  /** Lower-case hexadecimal digits. */
  readonly sha256: string;
}

interface Scanned {
  readonly scannedAt: string;
  /** An earlier scan of the same content decided. */
  readonly reused?: true;
  readonly engine?: { readonly version: string; readonly database?: number; readonly databaseDate?: string };
  /** Scanned in overlapping windows, since it is too large for ClamAV; absent where it was scanned whole. */
  readonly coverage?: 'windows';
}

/** Further members, by state. */
interface Outcomes {
  readonly uploading: {
    /** `offset`, in the answers of tus alone, is how many bytes are there. */
    readonly upload: { readonly offset?: number; readonly length?: number; readonly expiresAt: string };
  };
  readonly pending: Partial<Content>;
  readonly clean: Content &
    Scanned & {
      /** An operator lifted the finding of its content; told to its owner and to administrators alone. */
      readonly released?: { readonly by: string; readonly reason: string; readonly at: string };
    };
  /** `signature`: ClamAV's name for what it found. */
  readonly infected: Content &
    Scanned & {
      readonly signature: string;
      /** When a file that had been clean was recalled. */
      readonly recalledAt?: string;
    };
  readonly unscannable: Partial<Content> &
    Scanned & {
      readonly reason: 'tooLarge' | 'encrypted' | 'limitExceeded' | 'unsupported' | 'malformed';
      readonly detail?: string;
      /** Whether it is handed out though it could not be scanned. */
      readonly accepted: boolean;
    };
  readonly failed: Partial<Content> & { readonly reason: 'sourceGone' | 'contentMismatch' | 'gaveUp' };
  readonly expired: Partial<Content>;
  readonly deleted: Partial<Content> & { readonly deletedAt: string };
}

/** Outcome of a file. `uploading` and `pending` change without a request, the others stay. */
export type State = keyof Outcomes;

type Member = { [S in State]: keyof Outcomes[S] }[State];

/** A file in one state. Members that this state does not have may be read, and are undefined. */
export type HandleIn<S extends State> = {
  [One in S]: Described & { readonly state: One } & Outcomes[One] & {
      readonly [Other in Exclude<Member, keyof Outcomes[One]>]?: undefined;
    };
}[S];

/** The service's view of a file: comparing `state` tells TypeScript which members there are. */
export type Handle = HandleIn<State>;

/** A file that the service has not decided on. */
export type HandleUnderWay = HandleIn<'uploading' | 'pending'>;

/** A file whose state stays. */
export type DecidedHandle = Exclude<Handle, HandleUnderWay>;

/** A file that is handed out. */
export type AvailableHandle = HandleIn<'clean'> | (HandleIn<'unscannable'> & { readonly accepted: true });

/** Owner and viewers of a file. */
export interface Viewers {
  readonly owner: string;
  readonly viewers: readonly string[];
  /** The ends of grants, by viewer: of those that have one. */
  readonly until?: Readonly<Record<string, string>>;
}

/** A principal has begun to download a file. */
export interface Receipt {
  readonly principal: string;
  /** When its first download began, RFC 3339. */
  readonly at: string;
}

/** Whether the service has not decided yet. */
export function isUnderWay(handle: Handle): handle is HandleUnderWay {
  return handle.state === 'uploading' || handle.state === 'pending';
}

/** Whether the file can be downloaded: clean, or accepted by the policy of the deployment. */
export function isAvailable(handle: Handle): handle is AvailableHandle {
  return handle.state === 'clean' || (handle.state === 'unscannable' && handle.accepted);
}
