import { ScanFault, type UnscannableReason, type Verdict } from './verdict.ts';

const CLEAN = 'stream: OK\0';
/** clamd's answer when the stream grows past StreamMaxLength. */
const TOO_LARGE = 'INSTREAM size limit exceeded. ERROR\0';
/** Any signature name but one with control characters: a NUL or a newline in it would be a second reply. */
const FOUND = /^stream: (?=\S)([^\p{Cc}]{1,512})(?<=\S) FOUND\0$/u;
const ERROR = /^([^\p{Cc}]{1,512}) ERROR[\0\n]$/u;
/** clamd's two ways of saying that a write to TemporaryDirectory failed: its own, and libclamav's `cl_strerror`. */
const NO_TEMP_SPACE =
  /^(?:Error writing to temporary file|stream: Can't (?:create (?:new file|temporary (?:file|directory))|write to file))$/;

/**
 * Reads the whole of clamd's reply to one `zINSTREAM`.
 *
 * The comparison is with entire replies, because a substring such as `OK` also occurs in errors
 * (docs/platform-facts.md#substrings). A reply that is not exactly one known reply is a fault, and so can never be
 * clean.
 *
 * @throws {ScanFault} `protocol`, `clamdError`, `timeout` or `outOfTempSpace`
 */
export function parseReply(reply: Uint8Array | string): Verdict {
  const text = typeof reply === 'string' ? reply : Buffer.from(reply).toString('utf8');
  if (text === CLEAN) return { kind: 'clean' };
  if (text === TOO_LARGE) return { kind: 'unscannable', reason: 'tooLarge' };
  const signature = FOUND.exec(text)?.[1];
  if (signature !== undefined) return detection(signature);
  throw faultIn(text);
}

/**
 * Parses a signature. With `AlertExceedsMax` and `AlertEncrypted`, clamd reports what it did not scan as if it were a
 * signature.
 */
function detection(signature: string): Verdict {
  const reason = unscannableReason(signature);
  return reason === undefined
    ? { kind: 'infected', signature }
    : { kind: 'unscannable', reason, detail: signature };
}

function unscannableReason(signature: string): UnscannableReason | undefined {
  if (signature === 'Heuristics.Limits.Exceeded') return 'limitExceeded';
  if (signature.startsWith('Heuristics.Limits.Exceeded.')) return 'limitExceeded';
  // libclamav does not unpack an xz stream whose dictionary is over its limit.
  if (signature === 'Heuristics.XZ.DicSizeLimit') return 'limitExceeded';
  if (signature.startsWith('Heuristics.Encrypted.')) return 'encrypted';
  // Our signatures, infra/clamav/unscannable.ldb.
  if (signature.startsWith('Heuristics.Unscannable.Encrypted.')) return 'encrypted';
  if (signature.startsWith('Heuristics.Unscannable.')) return 'unsupported';
  return undefined;
}

function faultIn(text: string): ScanFault {
  if (text === '') return new ScanFault('connectionLost', 'clamd closed the connection without a reply');
  // A newline, although the command asked for NUL-terminated replies (docs/platform-facts.md#replies).
  if (text === 'COMMAND READ TIMED OUT\n') return new ScanFault('timeout', 'clamd waited too long for bytes');
  const error = ERROR.exec(text)?.[1];
  if (error === undefined) {
    return new ScanFault('protocol', `clamd's reply is not understood: ${excerpt(text)}`);
  }
  return NO_TEMP_SPACE.test(error)
    ? new ScanFault('outOfTempSpace', `clamd could not write to its temporary directory: ${error}`)
    : new ScanFault('clamdError', `clamd could not scan: ${error}`);
}

/** The start of a reply, quoted so that it is safe to log. */
function excerpt(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}
