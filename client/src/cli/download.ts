import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Download } from '../download.ts';
import { downloadFile } from '../node.ts';
import { type Bar, createBars } from './bars.ts';
import { type Context, connect, print, say } from './context.ts';
import { isAbort, UsageError } from './exit.ts';
import { isFolder } from './inputs.ts';

export interface DownloadFlags {
  readonly output?: string;
  readonly force?: boolean;
  readonly connections: number;
}

/** `fileshare download ID [-o FILE]`: a file under its name appears only when it is whole and verified. */
export async function downloadCommand(
  context: Context,
  id: string,
  { output, force, connections }: DownloadFlags,
): Promise<void> {
  const { signal } = context;
  const fileshare = connect(context);
  const bars = createBars(!context.common.quiet && output !== '-');
  try {
    if (output === '-') return await toStandardOutput(await fileshare.download(id, { signal }));
    let bar: Bar | undefined;
    const saved = await downloadFile(fileshare, id, {
      signal,
      connections,
      onProgress: ({ received, size }) => bar?.update(received, size),
      path: async (download) => {
        const path = await pathFor(download, id, output, force);
        bar = bars.add(basename(path), download.size);
        return path;
      },
    });
    bars.stop();
    if (context.common.json) print(context, { id, ...saved }, '');
    else say(context, `${saved.path}: ${saved.size} bytes, verified`);
  } catch (error) {
    bars.stop();
    if (isAbort(error)) say(context, 'interrupted. The same command again continues a large file from here.');
    throw error;
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

/** The name comes from the uploader: it leads to no other folder, and is not hidden. */
function safeName(name: string | undefined): string | undefined {
  const last = basename((name ?? '').replaceAll('\\', '/'))
    .replace(/\p{C}/gu, '')
    // Windows takes a colon for a drive or a stream.
    .replace(/[<>:"|?*]/g, process.platform === 'win32' ? '_' : '$&')
    .replace(/^[.\s]+/, '');
  return last || undefined;
}

/** Good only where the command succeeds: the digest is known at the end. */
async function toStandardOutput({ stream }: Download): Promise<void> {
  const bytes = Readable.from(stream as AsyncIterable<Uint8Array>, { objectMode: false });
  await pipeline(bytes, process.stdout, { end: false });
}
