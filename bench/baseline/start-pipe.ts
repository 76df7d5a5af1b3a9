import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Bounds, boundsOf, type Stage } from '../stage/stage.ts';

/** A program of this folder, as a separate process. */
export interface Bare extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

/** The bare pipe in front of an emulator. @param bounds none by default: the best that Node can do */
export function startPipe(storageUrl: string, bounds: Bounds = {}): Promise<Bare> {
  return start('./pipe.ts', { ...bounds, STORAGE: storageUrl });
}

/** Makes the exchanges of a small file, and nothing else. */
export function startBareFiles(stage: Stage, by: 'node' | 'libraries'): Promise<Bare> {
  const {
    PUBSUB_EMULATOR_HOST = '',
    GOOGLE_CLOUD_PROJECT = '',
    METADATA_SERVER_DETECTION = '',
  } = stage.spec('scanner').env;
  const pubsub = { PUBSUB_EMULATOR_HOST, GOOGLE_CLOUD_PROJECT, METADATA_SERVER_DETECTION };
  const env = {
    STORAGE: stage.storageUrl,
    BY: by,
    CLAMD: String(stage.clamd.port),
    ...pubsub,
    ...boundsOf(stage),
  };
  return start('./bare-file.ts', env);
}

async function start(program: string, env: Readonly<Record<string, string>>): Promise<Bare> {
  const script = fileURLToPath(new URL(program, import.meta.url));
  const child = spawn(process.execPath, [script], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit').then(() => {
    throw new Error(`${program} ended before it was ready`);
  });
  const [message] = (await Promise.race([once(child, 'message'), ended])) as [{ url: string }];
  ended.catch(() => undefined);
  return {
    url: message.url,
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}
