import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { reservePorts } from '../../../infra/local/ports.ts';

const HOST = '127.0.0.1';
const POLL_MS = 3;
const START_WITHIN_MS = 30_000;
const IS_ROOT = process.getuid?.() === 0;

/** How to start a function. */
export interface Start {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** The user to be, where the tests may choose. */
  readonly uid: number;
}

export interface Taken {
  readonly least: number;
  readonly median: number;
  readonly most: number;
}

/** Milliseconds from spawn to the first 200 of /healthz: the median of `times`, and the extremes. */
export async function coldStarts(start: Start, times: number): Promise<Taken> {
  const taken: number[] = [];
  for (let at = 0; at < times; at += 1) taken.push(await coldStart(start));
  taken.sort((a, b) => a - b);
  const [least = 0, median = 0, most = 0] = [taken[0], taken[times >> 1], taken.at(-1)];
  return { least, median, most };
}

async function coldStart({ args, cwd, env, uid }: Start): Promise<number> {
  const [port = 0] = await reservePorts(HOST, [{ port: 0, variable: '' }]);
  const began = performance.now();
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...env, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(IS_ROOT && { uid, gid: uid }),
  });
  let said = '';
  child.stderr.on('data', (chunk) => (said += chunk));
  const exited = once(child, 'exit');
  try {
    while ((await statusOf(port)) !== 200) {
      assert.equal(child.exitCode, null, said);
      assert.ok(performance.now() - began < START_WITHIN_MS, said);
      await delay(POLL_MS);
    }
    return Math.round(performance.now() - began);
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
