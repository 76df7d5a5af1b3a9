import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { reservePorts } from '../../infra/local/processes/ports.ts';

const HOST = '127.0.0.1';
const POLL_MS = 2;
const START_WITHIN_MS = 60_000;
const IS_ROOT = process.getuid?.() === 0;

/** How to start a function; the port it names is left out. */
export interface Start {
  readonly args: readonly string[];
  readonly cwd: string | URL;
  readonly env: Readonly<Record<string, string>>;
  /** The user to be, where this process may choose. */
  readonly uid?: number;
}

/** A function that serves, on its own port, until it is disposed of. */
export interface Started extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** Milliseconds from its spawn to the first 200 of /healthz. */
  readonly afterMs: number;
}

/** @throws {Error} where it ends, or does not serve within a minute */
export async function startFunction({ args, cwd, env, uid }: Start): Promise<Started> {
  const [port = 0] = await reservePorts(HOST, [{ port: 0, variable: '' }]);
  const began = performance.now();
  const portless = args.filter((argument) => !argument.startsWith('--port='));
  const child = spawn(process.execPath, portless, {
    cwd,
    env: { ...env, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(IS_ROOT && uid !== undefined && { uid, gid: uid }),
  });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
  };
  while ((await statusOf(port)) !== 200) {
    if (child.exitCode !== null || performance.now() - began > START_WITHIN_MS) {
      if (child.exitCode === null) await stop();
      throw new Error(`It does not start: ${said}`);
    }
    await delay(POLL_MS);
  }
  const afterMs = performance.now() - began;
  return { url: `http://${HOST}:${port}`, pid: child.pid ?? 0, afterMs, [Symbol.asyncDispose]: stop };
}

/** @returns milliseconds from the spawn of a function to the first 200 of /healthz */
export async function coldStart(start: Start): Promise<number> {
  await using started = await startFunction(start);
  return started.afterMs;
}

function statusOf(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = get({ host: HOST, port, path: '/healthz', agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on('error', () => resolve(undefined));
  });
}
