import { spawn } from 'node:child_process';
import { findClamd } from './find.ts';

const PACKAGES = ['clamav-daemon', 'clamav-testfiles'];
const INSTALL_BY_HAND = `install ClamAV's clamd (Debian and Ubuntu: apt-get install ${PACKAGES.join(' ')}; macOS: brew install clamav) or set CLAMD_PATH`;

/** The result of a finished command: `code` is null if it could not be started. Output holds both of its streams. */
export interface CommandResult {
  readonly code: number | null;
  readonly output: string;
}

export interface InstallOptions {
  readonly find?: () => Promise<string | undefined>;
  readonly run?: (command: readonly string[]) => Promise<CommandResult>;
  readonly isRoot?: boolean;
  readonly log?: (line: string) => void;
}

/**
 * The path of clamd, which is installed by apt-get if there is none and that can be done without asking anybody.
 *
 * @throws an error of one line that says what to install
 */
export async function ensureClamd(options: InstallOptions = {}): Promise<string> {
  const {
    find = findClamd,
    run = runCommand,
    isRoot = process.getuid?.() === 0,
    log = console.log,
  } = options;
  const found = await find();
  if (found !== undefined) return found;

  if ((await run(['apt-get', '--version'])).code !== 0)
    throw new Error(`clamd is missing: ${INSTALL_BY_HAND}`);
  if (!isRoot && (await run(['sudo', '-n', 'true'])).code !== 0) {
    throw new Error(`clamd is missing, and sudo asks for a password: ${INSTALL_BY_HAND}`);
  }
  log('Installing clamav-daemon…');
  const prefix = [...(isRoot ? [] : ['sudo', '-n']), 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get'];
  await succeed(run, [...prefix, 'update']);
  await succeed(run, [...prefix, 'install', '-y', '--no-install-recommends', ...PACKAGES]);

  const installed = await find();
  if (installed === undefined)
    throw new Error(`clamd is missing even after its installation: ${INSTALL_BY_HAND}`);
  return installed;
}

async function succeed(run: NonNullable<InstallOptions['run']>, command: readonly string[]): Promise<void> {
  const { code, output } = await run(command);
  if (code === 0) return;
  const lastLines = output.trimEnd().split('\n').slice(-5).join('\n');
  throw new Error(`clamd cannot be installed: \`${command.join(' ')}\` failed (${code}):\n${lastLines}`);
}

function runCommand(command: readonly string[]): Promise<CommandResult> {
  const [program = '', ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    // Only the end of it is ever shown.
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-10_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => resolve({ code: null, output: error.message }));
    child.on('close', (code) => resolve({ code, output }));
  });
}
