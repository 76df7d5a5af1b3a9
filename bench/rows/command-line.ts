import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Bench, Row } from '../bench.ts';
import { empty } from '../clean.ts';
import { type Finding, figure } from '../finding.ts';
import { ONCE, secondsOf, sideBySide } from '../side-by-side.ts';
import { median, pairedRatio } from '../stats.ts';

export const commandLine: Row = { name: 'command-line', title: 'Small files by the command line', measure };

const CLIENT = resolve(import.meta.dirname, '../../client');
const run = promisify(execFile);

async function measure({ scale, still, folder }: Bench): Promise<readonly Finding[]> {
  const { files, rounds } = scale.commandLine;
  const stage = await still();
  // As it is packed: without types to strip.
  await run(process.execPath, [join(CLIENT, 'build.mjs')]);
  const home = join(folder, 'command-line');
  const { authorization = '' } = stage.authorization;
  const env = {
    ...process.env,
    FILESHARE_UPLOAD_URL: stage.url('upload'),
    FILESHARE_FILES_URL: stage.url('files'),
    FILESHARE_TOKEN: authorization.replace(/^Bearer /, ''),
    XDG_STATE_HOME: join(home, 'state'),
    XDG_CONFIG_HOME: join(home, 'config'),
  };
  const seconds = async (file: string, args: readonly string[]): Promise<number> => {
    const paths = await contents(join(home, 'files'), files);
    const time = await secondsOf(() => run(file, [...args, ...paths], { env }));
    await empty(stage.bucket('unscanned'));
    return time;
  };
  // Arguments come behind a shell's, so that both are given them alike.
  const each = 'exec xargs -0 -P 8 -I{} curl -sSf -o "$1" -H "$2" -H "$3" --data-binary @{} "$4" < "$5"';
  const curl = async (): Promise<number> => {
    const list = join(home, 'list');
    const paths = await contents(join(home, 'files'), files);
    await writeFile(list, paths.join('\0'));
    const target = `${stage.url('upload')}/files`;
    const headers = [`Authorization: ${authorization}`, 'Content-Type: application/octet-stream'];
    const time = await secondsOf(() => run('sh', ['-c', each, 'sh', '/dev/null', ...headers, target, list]));
    await empty(stage.bucket('unscanned'));
    return time;
  };
  const contenders = {
    ours: () => seconds(process.execPath, [join(CLIENT, 'dist/cli/main.js'), 'upload', '-q']),
    curl,
  };
  await sideBySide(contenders, ONCE);
  const measured = await sideBySide(contenders, rounds);
  return [
    {
      what: `${files} files of 1 KB by \`fileshare upload\``,
      against: '`xargs -P 8 curl`',
      target: { atMost: 1.3 },
      value: pairedRatio(measured.ours, measured.curl),
      unit: '×',
      detail: `${figure(median(measured.ours))} s beside ${figure(median(measured.curl))} s`,
      limit: 'The start of Node and of the modules, and digests, which curl does not take.',
    },
  ];
}

/** Files that no round before has sent. */
async function contents(folder: string, count: number): Promise<readonly string[]> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const paths = Array.from({ length: count }, (_, at) => join(folder, String(at)));
  for (const path of paths) await writeFile(path, randomBytes(1000));
  return paths;
}
