import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { detectsCanary } from '../../../shared/scanning/canary.ts';
import { createClamd } from '../../../shared/scanning/clamd.ts';
import { sizesFor } from '../../../shared/scanning/sizes.ts';
import { ScanFault } from '../../../shared/scanning/verdict.ts';
import { reservePorts } from '../processes/ports.ts';
import { is1Point5, renderConf } from './conf.ts';
import { findClamd } from './find.ts';
import { type Exit, type LoggedProcess, startLogged } from './process.ts';
import { provideSignatures } from './signatures.ts';

const HOST = '127.0.0.1';
const MIB = 2 ** 20;

export interface StartOptions {
  /** Holds all that belongs to this clamd: configuration, log, signatures, temporary files. One clamd a folder. */
  readonly folder: string;
  /** Port, by default a free one. */
  readonly port?: number;
  /** The largest file that is scanned, in bytes; see `sizesFor`. */
  readonly maxScanBytes: number;
  /** Concurrent scans. */
  readonly threads: number;
  /** Signatures to use instead of the development ones; by default `CLAMAV_DATABASE_DIR`. */
  readonly databaseDirectory?: string;
  /** Free space to insist on, in bytes; by default what all the threads may need. */
  readonly minTempBytes?: number;
  /** How long loading may take: the official signatures take up to a minute. */
  readonly startTimeoutMs?: number;
}

export interface RunningClamd {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  /** Whether only test files are found, see `provideSignatures`. */
  readonly development: boolean;
  /** The largest file that it scans: less than asked for where ClamAV cannot do more. */
  readonly maxBytes: number;
  /** Where clamd keeps what it scans; its free space is what scans are admitted by. */
  readonly temporaryDirectory: string;
  /** Calls back once clamd has ended, with `expected` where `stop` was called first. At once if it has already. */
  onExit(callback: (exit: Exit) => void): void;
  /** Ends clamd, by force if it takes longer than some seconds. */
  stop(): Promise<void>;
}

/**
 * Starts a real clamd with the production configuration, and waits until it finds a canary.
 *
 * @throws an error of one line, with the end of clamd's log, if it does not come to that
 */
export async function startClamd(options: StartOptions): Promise<RunningClamd> {
  const folder = resolve(options.folder);
  const temporaryDirectory = join(folder, 'tmp');
  const port = options.port ? await freePort(options.port) : await anyPort();
  const sizes = sizesFor(options.maxScanBytes);
  await emptyDirectory(temporaryDirectory);
  const wanted = options.minTempBytes ?? options.threads * sizes.temporary;
  await requireSpace(temporaryDirectory, wanted);

  const program = await installed();
  const signatures = await provideSignatures(join(folder, 'signatures'), program, options.databaseDirectory);
  const confFile = join(folder, 'clamd.conf');
  const conf = await renderConf({
    CLAMD_ADDRESS: HOST,
    CLAMD_PORT: port,
    DATABASE_DIRECTORY: signatures.directory,
    TEMPORARY_DIRECTORY: temporaryDirectory,
    MAX_STREAM_BYTES: sizes.maxStream,
    MAX_SCAN_BYTES: sizes.maxScan,
    MAX_MEMBER_BYTES: sizes.maxMember,
    MAX_THREADS: options.threads,
    DISABLE_CACHE: is1Point5(await versionOf(program)) ? 'no' : 'yes',
  });
  await writeFile(confFile, conf);

  const clamd = await startLogged(
    [await confined(program, folder), `--config-file=${confFile}`],
    join(folder, 'clamd.log'),
  );
  try {
    await untilReady(clamd, port, options.startTimeoutMs ?? 180_000);
  } catch (error) {
    await clamd.stop();
    throw error;
  }
  return {
    host: HOST,
    port,
    pid: clamd.pid,
    development: signatures.development,
    maxBytes: sizes.maxStream,
    temporaryDirectory,
    onExit: clamd.onExit,
    stop: clamd.stop,
  };
}

/** A clamd that was killed leaves its temporary files, and a full directory makes malware clean (docs/platform-facts.md#a-full-temporary-directory). */
async function emptyDirectory(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { recursive: true, mode: 0o700 });
}

async function requireSpace(directory: string, wanted: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize >= wanted) return;
  const [has, needs] = [bavail * bsize, wanted].map((bytes) => `${Math.floor(bytes / MIB)} MiB`);
  throw new Error(
    `clamd may need ${needs} of temporary space, and ${directory} has ${has}: free some, or allow less`,
  );
}

async function versionOf(program: string): Promise<string> {
  const { stdout } = await promisify(execFile)(program, ['--version', '--config-file=/dev/null']);
  return stdout;
}

async function installed(): Promise<string> {
  const path = await findClamd();
  if (path === undefined) throw new Error('clamd is missing: install it, or set CLAMD_PATH');
  return path;
}

/**
 * clamd itself, or a copy of it where AppArmor is at work: Debian and Ubuntu confine /usr/sbin/clamd to its packaged
 * directories, and a profile is attached by path.
 */
async function confined(path: string, folder: string): Promise<string> {
  const appArmor = await readFile('/sys/module/apparmor/parameters/enabled', 'utf8').catch(() => 'N');
  if (!appArmor.startsWith('Y')) return path;
  const copy = join(folder, 'clamd');
  await rm(copy, { force: true });
  await copyFile(path, copy);
  return copy;
}

async function untilReady(clamd: LoggedProcess, port: number, timeoutMs: number): Promise<void> {
  const scanner = createClamd({
    host: HOST,
    port,
    connectTimeoutMs: 1_000,
    idleTimeoutMs: 5_000,
    totalTimeoutMs: 10_000,
  });
  const deadline = Date.now() + timeoutMs;
  let exit: Exit | undefined;
  clamd.onExit((how) => {
    exit = how;
  });
  while (exit === undefined && Date.now() < deadline) {
    const detects = await detectsCanary(scanner).catch((error: unknown) => {
      if (error instanceof ScanFault) return undefined;
      throw error;
    });
    if (detects) return;
    if (detects === false)
      throw new Error('clamd answers, but does not find the EICAR test file: check its signatures');
    await delay(20);
  }
  const what = exit === undefined ? `was not ready within ${timeoutMs} ms` : `ended at once (${exit.reason})`;
  throw new Error(`clamd ${what}: ${await clamd.lastLines()}`);
}

/** The wanted port if nobody has it: otherwise the canary might be found by a process that does. */
async function freePort(wanted: number): Promise<number> {
  try {
    const server = createServer().listen(wanted, HOST);
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    return wanted;
  } catch (cause) {
    const { message } = cause as Error;
    throw new Error(`clamd cannot have port ${wanted}: ${message}`, { cause });
  }
}

async function anyPort(): Promise<number> {
  const [port = 0] = await reservePorts(HOST, [{ port: 0, variable: '' }]);
  return port;
}
