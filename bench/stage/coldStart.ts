import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { ChildSpec } from '../../infra/local/child.ts';
import { reservePorts } from '../../infra/local/ports.ts';

const HOST = '127.0.0.1';
const POLL_MS = 2;
const START_WITHIN_MS = 60_000;
const PROJECT = new URL('../..', import.meta.url);

/** @returns milliseconds from the spawn of a function, on a port of its own, to the first 200 of /healthz */
export async function coldStart({ name, args, env }: ChildSpec): Promise<number> {
  const [port = 0] = await reservePorts(HOST, [{ port: 0, variable: '' }]);
  const own = args.map((argument) => (argument.startsWith('--port=') ? `--port=${port}` : argument));
  const began = performance.now();
  const child = spawn(process.execPath, own, { cwd: PROJECT, env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const exited = once(child, 'exit');
  try {
    while ((await statusOf(port)) !== 200) {
      if (child.exitCode !== null || performance.now() - began > START_WITHIN_MS)
        throw new Error(`${name} does not start: ${said}`);
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
