import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { signalGroup } from './process-group.ts';
import type { ProcessGuard } from './process-guard.ts';

const POLL_MS = 25;

/** A Node program that runs as a separate process. */
export interface ChildSpec {
  readonly name: string;
  /** Script and its arguments. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where it runs; by default in the project. */
  readonly cwd?: string;
  /** A URL that answers 200 once it serves; without one it sends `{ready: true, ...}` on its IPC channel. */
  readonly healthUrl?: string;
}

/** The message of a child that is ready. */
export type ReadyMessage = Readonly<Record<string, unknown>>;

export interface Child {
  readonly pid: number;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Never settles where the child exits first. */
  readonly ready: Promise<ReadyMessage>;
  /** How it ended, in words. */
  readonly exited: Promise<string>;
  signal(signal: NodeJS.Signals): void;
}

/**
 * Starts a child in its own process group, so that a terminal's Ctrl-C does not reach it and the platform
 * decides on the order. Processes that it leaves in its group when it exits are killed. Throws where it cannot start.
 */
export async function startChild(spec: ChildSpec, guard: ProcessGuard): Promise<Child> {
  const process_ = spawn(process.execPath, spec.args, {
    cwd: spec.cwd ?? new URL('../../..', import.meta.url),
    env: spec.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', ...(spec.healthUrl ? [] : (['ipc'] as const))],
  });
  const exit = once(process_, 'exit');
  exit.catch(() => {}); // A program that cannot be started is reported by the next line.
  await once(process_, 'spawn');
  const pid = process_.pid ?? Number.NaN;
  const { stdout, stderr } = process_;
  if (!stdout || !stderr) throw new Error(`${spec.name} has no output`);
  guard.watch(pid);
  const gone = new AbortController();
  const exited = exit.then(([code, signal]) => {
    gone.abort();
    signalGroup(pid, 'SIGKILL');
    guard.forget(pid);
    return signal ? `signal ${signal}` : `exit code ${code}`;
  });
  const ready = spec.healthUrl ? healthy(spec.healthUrl, gone.signal) : saysReady(process_);
  return { pid, stdout, stderr, ready, exited, signal: (signal) => void process_.kill(signal) };
}

async function saysReady(from: NodeJS.EventEmitter): Promise<ReadyMessage> {
  return new Promise((resolve) => {
    from.on('message', (message: ReadyMessage) => {
      if (message['ready'] === true) resolve(message);
    });
  });
}

async function healthy(url: string, gone: AbortSignal): Promise<ReadyMessage> {
  while (!gone.aborted) {
    if ((await statusOf(url)) === 200) return { ready: true };
    await delay(POLL_MS);
  }
  return new Promise(() => {});
}

function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: 2_000 }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(undefined));
  });
}
