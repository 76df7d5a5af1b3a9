import { FileshareProblem, FileshareTimeout } from '../errors.ts';
import type { Handle } from '../handle.ts';
import { isAvailable, isUnderWay } from '../handle.ts';

/** Exit codes of the command line; README.md explains each. */
export const EXIT = {
  ok: 0,
  usage: 2,
  infected: 3,
  unscannable: 4,
  failed: 5,
  pending: 6,
  denied: 7,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The worst first. */
const GRAVITY: readonly ExitCode[] = [
  EXIT.interrupted,
  EXIT.infected,
  EXIT.unscannable,
  EXIT.usage,
  EXIT.denied,
  EXIT.failed,
  EXIT.pending,
  EXIT.ok,
];

/** A mistake in how the command was called. */
export class UsageError extends Error {}

/** An identity provider gives no token, or somebody has to log in. */
export class LoginRefused extends Error {
  /** The `error` of its answer, such as `invalid_grant`. */
  readonly oauthError: string | undefined;

  constructor(message: string, oauthError?: string, options?: ErrorOptions) {
    super(message, options);
    this.oauthError = oauthError;
  }
}

/** Several files end with the code of the worst. */
export function worst(codes: readonly ExitCode[]): ExitCode {
  return GRAVITY.find((code) => codes.includes(code)) ?? EXIT.ok;
}

/** The exit code for the outcome of a file that was waited for. */
export function exitOf(handle: Handle): ExitCode {
  if (isAvailable(handle)) return EXIT.ok;
  if (handle.state === 'infected') return EXIT.infected;
  if (handle.state === 'unscannable') return EXIT.unscannable;
  return isUnderWay(handle) ? EXIT.pending : EXIT.failed;
}

export function exitOfError(error: unknown): ExitCode {
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof LoginRefused) return EXIT.denied;
  if (error instanceof FileshareTimeout) return EXIT.pending;
  if (!(error instanceof FileshareProblem)) return isAbort(error) ? EXIT.interrupted : EXIT.failed;
  switch (error.code) {
    case 'file-infected':
      return EXIT.infected;
    case 'file-unscannable':
      return EXIT.unscannable;
    case 'not-scanned-yet':
      return EXIT.pending;
    default:
      return [401, 403, 404].includes(error.status) ? EXIT.denied : EXIT.failed;
  }
}

export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

/** Message for people: what is wrong, and why where that is known. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  const deeper = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  return deeper instanceof Error && deeper.message ? `${error.message}: ${deeper.message}` : error.message;
}
