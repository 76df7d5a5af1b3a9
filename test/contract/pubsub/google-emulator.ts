import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { reservePorts } from '../../../infra/local/processes/ports.ts';

/** The start script of Google's Pub/Sub emulator within the gcloud CLI, or undefined where it is not installed. */
export async function findGoogleEmulator(): Promise<string | undefined> {
  const root = await promisify(execFile)('gcloud', ['info', '--format=value(installation.sdk_root)']).catch(
    () => undefined,
  );
  if (!root) return undefined;
  const script = join(root.stdout.trim(), 'platform/pubsub-emulator/bin/cloud-pubsub-emulator');
  return existsSync(script) ? script : undefined;
}

export interface Running {
  readonly host: string;
  stop(): Promise<void>;
}

/** Starts it on a free port, in its own process group, and waits until it listens. */
export async function startGoogleEmulator(script: string): Promise<Running> {
  const [port] = await reservePorts('127.0.0.1', [{ port: 0, variable: '' }]);
  const child = spawn(script, ['--host=127.0.0.1', `--port=${port}`], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  await listening(child);
  return {
    host: `127.0.0.1:${port}`,
    async stop() {
      const exit = once(child, 'exit');
      // The script starts Java: its group ends both.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      await exit;
    },
  };
}

async function listening(child: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let output = '';
  const read = (chunk: Buffer) => {
    output += chunk;
    if (output.includes('Server started, listening on')) resolve();
  };
  child.stdout?.on('data', read);
  child.stderr?.on('data', read);
  child.once('error', reject);
  child.once('exit', (code) => reject(new Error(`Google's emulator ended with ${code}: ${output}`)));
  await promise;
}
