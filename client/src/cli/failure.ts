import { FileshareConnectionError, FileshareIntegrityError, FileshareProblem } from '../errors.ts';
import type { ExitCode } from './exit.ts';
import { EXIT, exitOfError, messageOf } from './exit.ts';

/** The failure of a command as a problem document (RFC 9457). */
interface Failure {
  /** Address that explains it; `about:blank` unless the service refused. */
  readonly type: string;
  readonly title: string;
  /** Status of the service's answer. */
  readonly status?: number;
  readonly detail?: string | undefined;
  /** Stable: the last part of `type`, or one of `KINDS`. */
  readonly code: string;
  readonly exitCode: ExitCode;
  /** The file that it is about, as the command line named it. */
  readonly file?: string;
}

/** Titles of failures that are none of the service's answers, by code. */
const KINDS = {
  usage: 'Wrong usage',
  unreachable: 'Service unreachable',
  integrity: 'Bytes differ',
  login: 'Not logged in',
  timeout: 'No verdict in time',
  interrupted: 'Interrupted',
  failed: 'Command failed',
} as const;

function failureOf(error: unknown, file?: string): Failure {
  const exitCode = exitOfError(error);
  const about = { exitCode, ...(file !== undefined && { file }) };
  if (error instanceof FileshareProblem) {
    const { type, title, status, detail, members, code = 'refused' } = error;
    return { ...members, type, title, status, detail, code, ...about };
  }
  const code = kindOf(error, exitCode);
  return { type: 'about:blank', title: KINDS[code], detail: messageOf(error), code, ...about };
}

function kindOf(error: unknown, exitCode: ExitCode): keyof typeof KINDS {
  if (error instanceof FileshareConnectionError) return 'unreachable';
  if (error instanceof FileshareIntegrityError) return 'integrity';
  if (exitCode === EXIT.denied) return 'login';
  if (exitCode === EXIT.usage) return 'usage';
  if (exitCode === EXIT.pending) return 'timeout';
  return exitCode === EXIT.interrupted ? 'interrupted' : 'failed';
}

/** Reports a failure on standard error: for programs as a document on a separate line. */
export function reportFailure(json: boolean, error: unknown, text: string, file?: string): void {
  process.stderr.write(`${json ? JSON.stringify(failureOf(error, file)) : text}\n`);
}
