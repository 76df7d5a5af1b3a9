/** Why content could not be scanned in full. Trying again with the same bytes and limits changes nothing. */
export type UnscannableReason = 'tooLarge' | 'encrypted' | 'limitExceeded' | 'unsupported' | 'malformed';

/**
 * The result of scanning a complete file. Only `clean` may ever be promoted: `unscannable` is content that ClamAV
 * did not look at, or not at all of it.
 */
export type Verdict =
  | { readonly kind: 'clean' }
  | { readonly kind: 'infected'; readonly signature: string }
  | {
      readonly kind: 'unscannable';
      readonly reason: UnscannableReason;
      /**
       * ClamAV's own word for it, such as `Heuristics.Limits.Exceeded.MaxFileSize`; where it is `malformed`, in what way,
       * such as `data behind the directory`.
       */
      readonly detail?: string;
    };

/**
 * Why there is no verdict. The codes are stable; the messages are not.
 *
 * - `unreachable`: no connection to clamd, or none in time
 * - `timeout`: no progress, or no answer, in time
 * - `connectionLost`: the connection broke before the answer was complete
 * - `protocol`: an answer that is not exactly one of those that clamd gives
 * - `clamdError`: clamd said that it could not scan
 * - `outOfTempSpace`: clamd could not write to its temporary directory
 * - `sourceFailed`: the bytes could not be read to their end
 * - `shortStream`, `longStream`: there were fewer, or more, bytes than the file's size
 * - `aborted`: the caller's AbortSignal fired
 * - `unfit`: the engine answers, but may decide nothing: it fails the canary, or its signatures are stale
 */
export type ScanFaultCode =
  | 'unreachable'
  | 'timeout'
  | 'connectionLost'
  | 'protocol'
  | 'clamdError'
  | 'outOfTempSpace'
  | 'sourceFailed'
  | 'shortStream'
  | 'longStream'
  | 'aborted'
  | 'unfit';

/** There is no verdict, and so nothing is known about the content: scan again, never treat it as clean. */
export class ScanFault extends Error {
  override readonly name = 'ScanFault';
  readonly code: ScanFaultCode;

  constructor(code: ScanFaultCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
