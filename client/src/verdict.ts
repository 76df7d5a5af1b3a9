/** A signed statement in an envelope of DSSE; `payload` and `sig` are Base64. */
export interface VerdictEnvelope {
  readonly payloadType: string;
  readonly payload: string;
  readonly signatures: readonly { readonly keyid?: string; readonly sig: string }[];
}

/** The decision on a file, as a statement has it. Times are RFC 3339. */
export interface Verdict {
  readonly fileId: string;
  readonly verdict: 'clean' | 'infected' | 'unscannable';
  /** Bytes. */
  readonly size: number;
  /** ClamAV's name for what it found. */
  readonly signature?: string;
  /** Why it could not be scanned. */
  readonly reason?: string;
  readonly detail?: string;
  /** Whether it is handed out though it could not be scanned. */
  readonly accepted?: boolean;
  /** Release of ClamAV, version and date of its signatures; absent where it was not asked. */
  readonly engine?: { readonly version: string; readonly database?: number; readonly databaseDate?: string };
  /** Scanned in overlapping windows; absent where it was scanned whole. */
  readonly coverage?: 'windows';
  readonly scannedAt: string;
  readonly decidedAt: string;
  /** An earlier scan of the same content decided. */
  readonly reused?: true;
  /** Malware was found in the content after it had been clean. */
  readonly recalledAt?: string;
  /** An operator lifted a finding of malware: the file is clean by that decision. */
  readonly releasedAt?: string;
  /** When it was signed: what a later scan finds is not in it. */
  readonly issuedAt: string;
}

/** An in-toto statement about one file. */
export interface VerdictStatement {
  readonly _type: 'https://in-toto.io/Statement/v1';
  readonly subject: readonly [{ readonly name: string; readonly digest: { readonly sha256: string } }];
  readonly predicateType: string;
  readonly predicate: Verdict;
}
