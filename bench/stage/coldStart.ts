import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { reservePorts } from '../../infra/local/ports.ts';

const HOST = '127.0.0.1';
const POLL_MS = 2;
const START_WITHIN_MS = 60_000;
const IS_ROOT = process.getuid?.() === 0;

/** How to start a function, without a port. */
export interface Start {
  readonly args: readonly string[];
  readonly cwd: string | URL;
  readonly env: Readonly<Record<string, string>>;
  /** The user to be, where this process may choose. */
  readonly uid?: number;
}

/** @returns milliseconds from the spawn of a function, on a port of its own, to the first 200 of /healthz */
export async function coldStart({ args, cwd, env, uid }: Start): Promise<number> {
  const [port = 0] = await reservePorts(HOST, [{ port: 0, variable: '' }]);
  const began = performance.now();
  const child = spawn(process.execPath, args, {
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
  try {
    while ((await statusOf(port)) !== 200) {
      if (child.exitCode !== null || performance.now() - began > START_WITHIN_MS)
        throw new Error(`It does not start: ${said}`);
      await delay(POLL_MS);
    }
    return performance.now() - began;
  } finally {
    child.kill('SIGTERM');
    await exited;
  }
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
