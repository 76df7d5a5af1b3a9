import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';

/** Time between asking a process to end and ending it. clamd waits for its scans. */
const GRACE_MS = 5_000;

export interface Exit {
  /** Reason in words, such as `code 1` or `SIGKILL`. */
  readonly reason: string;
  /** Whether it had been asked to end. */
  readonly expected: boolean;
}

export interface LoggedProcess {
  readonly pid: number;
  /** Calls back when the process has ended, or at once if it has already. */
  onExit(callback: (exit: Exit) => void): void;
  /** The end of its output, on one line. */
  lastLines(): Promise<string>;
  /** SIGTERM, and after some seconds SIGKILL. Resolves when the process has ended. */
  stop(): Promise<void>;
}

/**
 * Starts a program with its output in a log file. It stays in this process's group, and is killed when this process
 * exits.
 */
export async function startLogged(command: readonly string[], logFile: string): Promise<LoggedProcess> {
  const [program = '', ...args] = command;
  await using log = await open(logFile, 'w');
  const child = spawn(program, args, { stdio: ['ignore', log.fd, log.fd] });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);

  let stopping = false;
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      process.off('exit', kill);
      resolve({ reason: signal ?? `code ${code}`, expected: stopping });
    });
  });
  await once(child, 'spawn');

  return {
    pid: child.pid ?? Number.NaN,
    onExit: (callback) => void exited.then(callback),
    lastLines: async () => (await readFile(logFile, 'utf8')).trimEnd().split('\n').slice(-3).join(' | '),
    async stop() {
      stopping = true;
      child.kill('SIGTERM');
      const force = setTimeout(kill, GRACE_MS);
      await exited;
      clearTimeout(force);
    },
  };
}
