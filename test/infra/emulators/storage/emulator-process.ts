import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../../../infra/emulators/storage/src/main.ts', import.meta.url));

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The emulator as a separate process, that tests may kill. */
export class EmulatorProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<Exit>;
  /** Resolves with the URL; rejects with what the process said when it ended instead. */
  readonly ready: Promise<string>;

  constructor(...args: string[]) {
    this.#child = fork(MAIN, args, { silent: true });
    let stdout = '';
    let stderr = '';
    this.#child.stdout?.on('data', (chunk) => (stdout += chunk));
    this.#child.stderr?.on('data', (chunk) => (stderr += chunk));
    this.#exited = once(this.#child, 'close').then(([code, signal]) => ({ code, signal, stdout, stderr }));
    this.ready = Promise.race([
      once(this.#child, 'message').then(([message]: { url: string }[]) => message?.url ?? ''),
      this.#exited.then(({ stderr: said }) => Promise.reject(new Error(said))),
    ]);
    this.ready.catch(() => undefined);
  }

  get exited(): Promise<Exit> {
    return this.#exited;
  }

  kill(signal: NodeJS.Signals): Promise<Exit> {
    this.#child.kill(signal);
    return this.#exited;
  }
}
