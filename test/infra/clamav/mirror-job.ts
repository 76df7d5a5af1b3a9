import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EICAR } from '../../../shared/scanning/canary.ts';
import { freePort } from './sidecar.ts';

const SOURCE = new URL('../../../infra/clamav/', import.meta.url);
/** User of the sidecar: what is tested needs no rights. */
const NOBODY = 65_534;
const IS_ROOT = process.getuid?.() === 0;

/** A line of a database of the format .ndb, which finds a text anywhere. */
export const finds = (name: string, text: string | Buffer) =>
  `${name}:0:*:${Buffer.from(text).toString('hex')}\n`;
/** A database as it is, and a newer one. Both pass the trial. */
export const NDB = finds('Eicar-Test-Signature', EICAR) + finds('Worm.Of.Yesterday', 'a worm of yesterday');
export const NEWER = NDB + finds('Worm.Of.Today', 'a worm of today');

export interface Ran {
  readonly code: number | null;
  /** Its lines, as Cloud Logging reads them. */
  readonly lines: readonly { readonly severity: string; readonly message: string }[];
  /** The files left in its directories, which the next run does not see. */
  readonly said: string;
}

/** One run of the job, in separate directories that are gone afterwards, as an instance of Cloud Run's are. */
export async function runMirrorJob(env: Readonly<Record<string, string>>): Promise<Ran> {
  const folder = await mkdtemp(join(tmpdir(), 'mirror-job-'));
  try {
    await cp(SOURCE, join(folder, 'app'), { recursive: true });
    await chmod(folder, 0o755);
    const directories: Record<string, string> = {};
    for (const name of ['database', 'temporary', 'run']) {
      await mkdir(join(folder, name));
      if (IS_ROOT) await chown(join(folder, name), NOBODY, NOBODY);
      directories[`${name.toUpperCase()}_DIRECTORY`] = join(folder, name);
    }
    const port = await freePort();
    const child = spawn(join(folder, 'app/mirror-job.sh'), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: `${process.env['PATH']}:/usr/sbin`, CLAMD_PORT: `${port}`, ...directories, ...env },
      ...(IS_ROOT && { uid: NOBODY, gid: NOBODY }),
    });
    let said = '';
    for (const output of [child.stdout, child.stderr]) output.on('data', (chunk) => (said += chunk));
    const [code] = (await once(child, 'close')) as [number | null];
    const lines = said.split('\n').filter((line) => line.startsWith('{"severity"'));
    return { code, lines: lines.map((line) => JSON.parse(line)), said };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
