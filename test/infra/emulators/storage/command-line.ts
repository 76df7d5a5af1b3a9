import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs a command line client. @returns its standard output @throws Error with what it said */
export async function runClient(
  command: string,
  args: string[],
  env: Record<string, string>,
): Promise<string> {
  const { stdout } = await run(command, args, {
    env: { ...process.env, ...env },
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout;
}

/** Whether a command is installed; says loudly when it is not, and what therefore goes untested. */
export async function isInstalled(command: string, untested: string): Promise<boolean> {
  try {
    await run('sh', ['-c', `command -v ${command}`]);
    return true;
  } catch {
    console.warn(`SKIPPED: ${command} is not installed, so that ${untested} is NOT tested`);
    return false;
  }
}
