import { createWriteStream, existsSync, statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Download } from '../download.ts';
import { createBars } from './bars.ts';
import { type Context, connect, print, say } from './context.ts';
import { UsageError } from './exit.ts';

export interface DownloadFlags {
  readonly output?: string;
  readonly force?: boolean;
}

/** `fileshare download ID [-o FILE]`: a file under its name appears only when it is whole and verified. */
export async function downloadCommand(
  context: Context,
  id: string,
  { output, force }: DownloadFlags,
): Promise<void> {
  const { signal } = context;
  const fileshare = connect(context);
  const bars = createBars(!context.common.quiet && output !== '-');
  try {
    let update: ((received: number, size: number) => void) | undefined;
    const onProgress = (at: { received: number; size: number }) => update?.(at.received, at.size);
    const download = await fileshare.download(id, { signal, onProgress });
    const { size, sha256, contentType } = download;
    if (output === '-') return await write(download, process.stdout, false);
    const path = await pathFor(download, id, output, force).catch(async (error: unknown) => {
      await download.stream.cancel();
      throw error;
    });
    const bar = bars.add(basename(path), size);
    update = (received, all) => bar.update(received, all);
    await save(download, path);
    bars.stop();
    if (context.common.json) print(context, { id, path, size, sha256, contentType }, '');
    else say(context, `${path}: ${size} bytes, verified`);
  } finally {
    bars.stop();
  }
}

async function pathFor(
  { fileName }: Download,
  id: string,
  output: string | undefined,
  force = false,
): Promise<string> {
  const name = safeName(fileName) ?? safeName(id) ?? 'download';
  // Only what the user named may be a folder: a file could have the name of a link to another one.
  const path = output !== undefined && !isFolder(output) ? resolve(output) : resolve(output ?? '', name);
  if (!force && existsSync(path)) throw new UsageError(`${path} exists. Say --force, or another --output.`);
  return path;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** The name comes from the uploader: it leads to no other folder, and is not hidden. */
function safeName(name: string | undefined): string | undefined {
  const last = basename((name ?? '').replaceAll('\\', '/'))
    .replace(/\p{C}/gu, '')
    // Windows takes a colon for a drive or a stream.
    .replace(/[<>:"|?*]/g, process.platform === 'win32' ? '_' : '$&')
    .replace(/^[.\s]+/, '');
  return last || undefined;
}

async function save(download: Download, path: string): Promise<void> {
  const part = `${path}.${process.pid}.part`;
  try {
    await write(download, createWriteStream(part, { flags: 'wx' }), true);
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

async function write({ stream }: Download, to: NodeJS.WritableStream, end: boolean): Promise<void> {
  await pipeline(Readable.from(stream as AsyncIterable<Uint8Array>, { objectMode: false }), to, { end });
}
