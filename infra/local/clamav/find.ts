import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Where packages put clamd without putting it on the PATH of an ordinary user. */
const USUAL_PLACES = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin', '/usr/local/opt/clamav/sbin'];

/**
 * The path of clamd: `CLAMD_PATH` if it is set, or else the first on `PATH` or in the usual places.
 *
 * @throws if `CLAMD_PATH` is set and is not an executable file
 */
export async function findClamd(
  env: NodeJS.ProcessEnv = process.env,
  usualPlaces: readonly string[] = USUAL_PLACES,
): Promise<string | undefined> {
  const given = env['CLAMD_PATH'];
  if (given) {
    if (await isExecutable(given)) return given;
    throw new Error(`CLAMD_PATH is ${given}, which is not an executable file`);
  }
  const onPath = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const folder of [...onPath, ...usualPlaces]) {
    const path = join(folder, 'clamd');
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
