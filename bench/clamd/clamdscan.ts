import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Scans a file as an administrator would. @throws {Error} where it is not clean, or cannot be scanned */
export type Clamdscan = (file: string) => Promise<void>;

/**
 * ClamAV's own client, which is installed by apt-get where that can be done without asking anybody.
 * @throws {Error} one line that says what to install
 */
export async function provideClamdscan(confFile: string): Promise<Clamdscan> {
  if (!isThere('clamdscan')) await install();
  return async (file) => {
    await run('clamdscan', [`--config-file=${confFile}`, '--stream', '--no-summary', file]);
  };
}

function isThere(command: string): boolean {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).error === undefined;
}

async function install(): Promise<void> {
  const command = ['apt-get', 'install', '-y', '--no-install-recommends', 'clamdscan'];
  const [program, ...args] = process.getuid?.() === 0 ? command : ['sudo', '-n', ...command];
  await run(program ?? '', args).catch(() => undefined);
  if (!isThere('clamdscan')) throw new Error('clamdscan is missing: apt-get install clamdscan');
}
