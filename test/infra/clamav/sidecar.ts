import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { reservePorts } from '../../../infra/local/processes/ports.ts';
import { createClamd } from '../../../shared/scanning/clamd.ts';
import type { EngineVersion } from '../../../shared/scanning/engine.ts';
import type { Verdict } from '../../../shared/scanning/verdict.ts';
import { eventually } from '../local/eventually.ts';

const SOURCE = new URL('../../../infra/clamav/', import.meta.url);
/** nobody, so that what is tested needs no rights; where the tests themselves are unprivileged, they are that already. */
const NOBODY = 65_534;
const IS_ROOT = process.getuid?.() === 0;

/** The sidecar of production on this machine: its script, with its own directories. */
export class Sidecar implements AsyncDisposable {
  readonly folder: string;
  readonly port: number;
  readonly lines: string[] = [];
  #process: ChildProcess | undefined;
  #exit: Promise<number | null> = Promise.resolve(null);

  constructor(folder: string, port: number) {
    this.folder = folder;
    this.port = port;
  }

  static async create(): Promise<Sidecar> {
    const folder = await mkdtemp(join(tmpdir(), 'sidecar-'));
    await cp(SOURCE, join(folder, 'app'), { recursive: true });
    await chmod(folder, 0o755);
    for (const name of ['database', 'temporary', 'run']) {
      await mkdir(join(folder, name));
      if (IS_ROOT) await chown(join(folder, name), NOBODY, NOBODY);
    }
    return new Sidecar(folder, await freePort());
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  start(env: Record<string, string> = {}): void {
    this.lines.length = 0;
    const child = spawn(this.path('app', 'entrypoint.sh'), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: `${process.env['PATH']}:/usr/sbin`,
        CLAMD_PORT: `${this.port}`,
        DATABASE_DIRECTORY: this.path('database'),
        TEMPORARY_DIRECTORY: this.path('temporary'),
        RUN_DIRECTORY: this.path('run'),
        MAX_SCAN_BYTES: `${2 ** 20}`,
        REFRESH_SECONDS: '1',
        ...env,
      },
      // A process group, which gets the signals as from `tini -g`.
      detached: true,
      ...(IS_ROOT && { uid: NOBODY, gid: NOBODY }),
    });
    for (const output of [child.stdout, child.stderr]) {
      createInterface(output).on('line', (line) => this.lines.push(line));
    }
    this.#process = child;
    this.#exit = once(child, 'close').then(([code]) => code);
  }

  /** The exit code; null if it was killed. */
  get exit(): Promise<number | null> {
    return this.#exit;
  }

  signal(name: NodeJS.Signals): void {
    const { pid, exitCode, signalCode } = this.#process ?? {};
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, name);
  }

  async says(text: RegExp): Promise<void> {
    await eventually(() => this.lines.some((line) => text.test(line)));
  }

  count(text: RegExp): number {
    return this.lines.filter((line) => text.test(line)).length;
  }

  async state(): Promise<Record<string, string>> {
    return JSON.parse(await readFile(this.path('run', 'signatures.json'), 'utf8'));
  }

  /** The started process becomes clamd. */
  get pid(): number {
    const pid = this.#process?.pid;
    assert(pid !== undefined, 'not started');
    return pid;
  }

  /** The detection, or undefined if clamd cannot be reached. */
  async scan(content: string | Buffer): Promise<Verdict | undefined> {
    const bytes = Buffer.from(content);
    return this.#clamd
      .scan(
        (async function* () {
          yield bytes;
        })(),
        { size: bytes.length },
      )
      .catch(() => undefined);
  }

  /** The version that clamd reports. */
  async version(): Promise<EngineVersion> {
    return this.#clamd.version();
  }

  get #clamd() {
    const deadlines = { connectTimeoutMs: 10_000, idleTimeoutMs: 60_000, totalTimeoutMs: 60_000 };
    return createClamd({ host: '127.0.0.1', port: this.port, ...deadlines });
  }

  async finds(content: string | Buffer): Promise<void> {
    await eventually(async () => (await this.scan(content))?.kind === 'infected');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal('SIGTERM');
    await this.#exit;
    await rm(this.folder, { recursive: true, force: true });
  }
}

export async function freePort(): Promise<number> {
  const [port = 0] = await reservePorts('127.0.0.1', [{ port: 0, variable: '' }]);
  return port;
}
