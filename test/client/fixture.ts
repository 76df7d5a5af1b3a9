import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Addresses } from '../../client/src/addresses.ts';
import { Fileshare, type FileshareOptions } from '../../client/src/index.ts';
import { OWNER, type Service } from '../support/service.ts';

export const MIB = 1024 * 1024;

export function clientOf(
  service: Service,
  options: Omit<FileshareOptions, keyof Addresses> & { readonly url?: string } = {},
  principal = OWNER,
): Fileshare {
  return new Fileshare({ url: service.url, token: () => service.platform.token(principal), ...options });
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** A folder for the tests of the enclosing `describe`. */
export class Folder {
  #path = '';

  constructor() {
    before(async () => {
      this.#path = await mkdtemp(join(tmpdir(), 'fileshare-client-'));
    });
    after(() => rm(this.#path, { recursive: true, force: true }));
  }

  path(...names: string[]): string {
    return join(this.#path, ...names);
  }
}

/** The fault of one connection; bytes are counted from its beginning. */
export interface Fate {
  /** Breaks it after so many bytes from the client. */
  readonly cutUp?: number;
  /** Breaks it after so many bytes from the service. */
  readonly cutDown?: number;
  /** Changes one byte from the service. */
  readonly flipDown?: number;
}

/** A line that breaks: one fate a connection, and then good ones. */
export class BadLine {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #fates: Fate[] = [];
  #target = 0;
  connections = 0;
  /** Bytes from the client, in all. */
  sent = 0;
  #alarm: { readonly bytes: number; readonly ring: () => void } | undefined;

  constructor(target: () => string) {
    this.#server = createServer((client) => this.#join(client));
    before(async () => {
      this.#target = Number(new URL(target()).port);
      this.#server.listen(0, '127.0.0.1');
      await once(this.#server, 'listening');
    });
    after(() => {
      for (const socket of this.#sockets) socket.destroy();
      this.#server.close();
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Breaks what is open, and gives the next connections these fates. */
  expect(...fates: Fate[]): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#fates.splice(0, this.#fates.length, ...fates);
    this.connections = 0;
    this.sent = 0;
  }

  /** Calls back once, when so many bytes have come from the client. */
  at(bytes: number, ring: () => void): void {
    this.#alarm = { bytes, ring };
  }

  #join(client: Socket): void {
    const fate = this.#fates.shift() ?? {};
    const service = connect(this.#target, '127.0.0.1');
    this.connections++;
    for (const socket of [client, service]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        client.destroy();
        service.destroy();
      });
    }
    let up = 0;
    client.on('data', (piece: Buffer) => {
      this.sent += piece.length;
      if (this.#alarm && this.sent >= this.#alarm.bytes) {
        this.#alarm.ring();
        this.#alarm = undefined;
      }
      const left = (fate.cutUp ?? Number.POSITIVE_INFINITY) - up;
      up += piece.length;
      if (piece.length < left) return relay(client, service, piece);
      service.write(piece.subarray(0, left), () => service.destroy());
    });
    let down = 0;
    service.on('data', (piece: Buffer) => {
      const flipAt = (fate.flipDown ?? Number.POSITIVE_INFINITY) - down;
      if (flipAt < piece.length) piece[flipAt] = (piece[flipAt] ?? 0) ^ 1;
      const left = (fate.cutDown ?? Number.POSITIVE_INFINITY) - down;
      down += piece.length;
      if (piece.length < left) return relay(service, client, piece);
      client.write(piece.subarray(0, left), () => client.destroy());
    });
  }
}

function relay(from: Socket, to: Socket, piece: Buffer): void {
  if (to.write(piece)) return;
  from.pause();
  to.once('drain', () => from.resume());
}

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: Uint8Array;
  readonly cwd?: string;
  /** Is given a way to send a signal. */
  readonly started?: (kill: (signal: NodeJS.Signals) => void) => void;
  /** Is told what came out so far, and may send a signal. */
  readonly watch?: (output: string, kill: (signal: NodeJS.Signals) => void) => void;
}

export const MAIN = join(import.meta.dirname, '../../client/src/cli/main.ts');

/** Runs the command line in `folder`, which also holds its state; as OWNER unless `env` has another token. */
export function commandLine(
  service: Service,
  folder: Folder,
  defaults: () => Readonly<Record<string, string>> = () => ({}),
): (args: readonly string[], options?: RunOptions) => Promise<Ran> {
  let token = '';
  before(async () => {
    token = await service.platform.token(OWNER);
  });
  return (args, options = {}) => {
    const env = {
      FILESHARE_URL: service.url,
      FILESHARE_TOKEN: token,
      XDG_STATE_HOME: folder.path('state'),
      XDG_CONFIG_HOME: folder.path('config'),
      ...defaults(),
      ...options.env,
    };
    return run(process.execPath, [MAIN, ...args], { cwd: folder.path(), ...options, env });
  };
}

/** Runs a program to its end. */
export async function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { env = {}, input, cwd, started, watch } = options;
  const child = spawn(file, args, { env: { ...process.env, ...env }, ...(cwd && { cwd }) });
  let stdout = '';
  let stderr = '';
  started?.((signal) => child.kill(signal));
  const tell = () => watch?.(stdout + stderr, (signal) => child.kill(signal));
  child.stdout.setEncoding('latin1').on('data', (text) => {
    stdout += text;
    tell();
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
    tell();
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
