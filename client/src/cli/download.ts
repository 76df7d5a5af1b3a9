import { existsSync, mkdirSync } from 'node:fs';
import { basename, resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Download } from '../download.ts';
import type { Fileshare } from '../fileshare.ts';
import { type DownloadedFile, downloadFile } from '../node.ts';
import { type Bar, type Bars, createBars } from './bars.ts';
import { connect } from './connect.ts';
import { type Context, complain, print, say } from './context.ts';
import { inParallel } from './each.ts';
import { EXIT, exitOfError, isAbort, UsageError, worst } from './exit.ts';
import { isFolder } from './inputs.ts';
import { Names, safeName } from './safe-name.ts';

export interface DownloadFlags {
  readonly output?: string;
  readonly force?: boolean;
  readonly connections: number;
  readonly parallel: number;
}

interface Run {
  readonly context: Context;
  readonly fileshare: Fileshare;
  readonly flags: DownloadFlags;
  readonly bars: Bars;
  readonly names: Names;
  /** Folder for files under the names that the service has for them; undefined where --output is the file. */
  readonly folder: string | undefined;
}

/** `fileshare download ID... [-o PATH]`: a file under its name appears only when it is whole and verified. */
export async function downloadCommand(
  context: Context,
  given: readonly string[],
  flags: DownloadFlags,
): Promise<void> {
  const ids = [...new Set(given)];
  const { output } = flags;
  if (ids.length > 1 && output === '-') throw new UsageError('Standard output takes one file.');
  const fileshare = connect(context);
  if (output === '-') return toStandardOutput(await fileshare.download(String(ids[0]), context));
  const bars = createBars(!context.common.quiet);
  const folder = folderIn(output, ids.length);
  const run = { context, fileshare, flags, bars, names: new Names(), folder };
  try {
    await (ids.length > 1 ? downloadEach(run, ids) : downloadOne(run, String(ids[0])));
  } catch (error) {
    bars.stop();
    if (isAbort(error)) say(context, 'interrupted. The same command again continues a large file from here.');
    throw error;
  } finally {
    bars.stop();
  }
}

/** @throws {UsageError} where several files would become one */
function folderIn(output: string | undefined, count: number): string | undefined {
  if (output === undefined) return '';
  if (isFolder(output)) return output;
  const path = output.replace(sep === '/' ? /\/+$/ : /[/\\]+$/, '');
  if (count === 1 && path === output) return undefined;
  if (existsSync(path)) throw new UsageError(`${output} is a file. Several files need a folder.`);
  mkdirSync(output, { recursive: true });
  return output;
}

async function downloadOne(run: Run, id: string): Promise<void> {
  const saved = await save(run, id, Promise.resolve());
  run.bars.stop();
  tell(run.context, id, saved);
}

/** The failure of one does not stop the others. @throws {DOMException} of the signal, when all have stopped */
async function downloadEach(run: Run, ids: readonly string[]): Promise<void> {
  const { context, flags } = run;
  let named = Promise.resolve();
  const download = async (id: string) => {
    const before = named;
    let settle = () => {};
    named = new Promise((resolve) => {
      settle = resolve;
    });
    try {
      return { id, saved: await save(run, id, before, settle) };
    } catch (error) {
      return { id, error };
    } finally {
      settle();
    }
  };
  const { signal } = context;
  const results = await inParallel(ids.values(), { parallel: flags.parallel, signal }, download);
  run.bars.stop();
  for (const { id, saved, error } of results) {
    if (saved) tell(context, id, saved);
    else if (!isAbort(error)) complain(context, id, error);
  }
  signal.throwIfAborted();
  context.exit(worst(results.map(({ error }) => (error === undefined ? EXIT.ok : exitOfError(error)))));
}

/** @param before resolves when the files before it have their names: the same command gives the same ones */
async function save(
  { context, fileshare, flags, bars, names, folder }: Run,
  id: string,
  before: Promise<void>,
  named = () => {},
): Promise<DownloadedFile> {
  const { signal } = context;
  const { connections, output = '', force = false } = flags;
  let bar: Bar | undefined;
  let place = '';
  const saved = downloadFile(fileshare, id, {
    signal,
    connections,
    replace: force,
    onProgress: ({ received, size }) => bar?.update(received, size),
    path: async ({ fileName, size }) => {
      await before;
      const name = safeName(fileName) ?? safeName(id) ?? 'download';
      // Only what the user named may be a folder: a file could have the name of a link to another one.
      const path = folder === undefined ? resolve(output) : resolve(folder, names.take(name));
      named();
      place = path;
      if (!force && existsSync(path)) throw existing(path);
      bar = bars.add(basename(path), size);
      return path;
    },
  });
  return saved.catch((error: NodeJS.ErrnoException) => {
    // It appeared meanwhile, such as by another command.
    throw error.code === 'EEXIST' ? existing(place) : error;
  });
}

function existing(path: string): UsageError {
  return new UsageError(`${path} exists. Use --force, or another --output.`);
}

function tell(context: Context, id: string, saved: DownloadedFile): void {
  if (context.common.json) print(context, { id, ...saved }, '');
  else say(context, `${saved.path}: ${saved.size} bytes, verified`);
}

/** Good only where the command succeeds: the digest is known at the end. */
async function toStandardOutput({ stream }: Download): Promise<void> {
  const bytes = Readable.from(stream as AsyncIterable<Uint8Array>, { objectMode: false });
  await pipeline(bytes, process.stdout, { end: false });
}
