import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What is set for Node in a function's process too, which bounds its memory: docs/adr/0005. */
export interface Bounds {
  readonly NODE_OPTIONS?: string;
  readonly MALLOC_ARENA_MAX?: string;
}

/** The bare pipe of `pipe.ts`, as a process of its own in front of an emulator. */
export interface Pipe extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

/** @param bounds none by default: the best that Node can do */
export async function startPipe(storageUrl: string, bounds: Bounds = {}): Promise<Pipe> {
  const script = fileURLToPath(new URL('./pipe.ts', import.meta.url));
  const child = spawn(process.execPath, [script], {
    env: { ...process.env, ...bounds, STORAGE: storageUrl },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [message] = (await once(child, 'message')) as [{ url: string }];
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
