import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Download, DownloadOptions } from './download.ts';
import { RangesIgnored } from './download-ranges.ts';
import { FileshareConnectionError, FileshareProblem } from './errors.ts';
import type { Fileshare } from './fileshare.ts';
import { giveName, PartFile, partPath } from './part-file.ts';

const MIB = 1024 * 1024;
/** Bytes that an interrupted connection loses at most, and for which a range is asked for. */
const PART_BYTES = 16 * MIB;

export interface DownloadFileOptions extends DownloadOptions {
  /** Path of the file. A function is told what is downloaded, and may reject. */
  readonly path: string | ((download: Download) => string | Promise<string>);
  /** Whether a file that has this path at the end is replaced; true by default. Otherwise the error has the code EEXIST. */
  readonly replace?: boolean | undefined;
  /** Connections for a large file; 4 by default. */
  readonly connections?: number | undefined;
  /** Bytes from which on a file is large; 64 MiB by default. */
  readonly parallelFrom?: number | undefined;
}

/** A file that was downloaded and verified. */
export interface DownloadedFile {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  readonly contentType: string;
}

/**
 * Downloads a file to disk; a large one over several connections. It appears under its name when it is whole and verified. An
 * interrupted large one stays beside it as `NAME.part`, and the same call again continues from there.
 * @throws {FileshareProblem}, {FileshareConnectionError}, {FileshareIntegrityError}, the reason of the signal
 */
export async function downloadFile(
  fileshare: Fileshare,
  id: string,
  options: DownloadFileOptions,
): Promise<DownloadedFile> {
  const { connections = 4, parallelFrom = 64 * MIB, path: given, replace = true, ...others } = options;
  if (!Number.isSafeInteger(connections) || connections < 1)
    throw new RangeError('connections should be 1 or more.');
  const download = await fileshare.download(id, others);
  const { size, sha256, contentType } = download;
  try {
    const path = typeof given === 'string' ? given : await given(download);
    const isLarge = connections > 1 && size >= parallelFrom && size > 0;
    const place = { path, replace };
    if (!isLarge) await whole(download, place);
    else if (!(await inParts(fileshare, id, download, { ...others, ...place, connections })))
      await whole(await fileshare.download(id, others), place);
    return { path, size, sha256, contentType };
  } finally {
    // A stream that was read to its end or failed is not cancelled by this.
    await download.stream.cancel().catch(() => undefined);
  }
}

interface Place {
  readonly path: string;
  readonly replace: boolean;
}

async function whole({ stream }: Download, { path, replace }: Place): Promise<void> {
  const part = partPath(path);
  try {
    const bytes = Readable.from(stream as AsyncIterable<Uint8Array>, { objectMode: false });
    await pipeline(bytes, createWriteStream(part, { flags: 'wx' }));
    await giveName(part, path, replace);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/** @returns false where the service gives no ranges: nothing is left then */
async function inParts(
  fileshare: Fileshare,
  id: string,
  download: Download,
  { path, replace, ...options }: DownloadOptions & Place & { readonly connections: number },
): Promise<boolean> {
  const { size, sha256 } = download;
  const target = await PartFile.open(path, { id, sha256, size, partSize: PART_BYTES });
  try {
    await fileshare.downloadRanges(id, download, target, { ...options, partSize: PART_BYTES });
  } catch (error) {
    await (isToBeContinued(error, options.signal) ? target.leave() : target.remove());
    if (error instanceof RangesIgnored) return false;
    throw error;
  }
  await target.finish(replace);
  return true;
}

/** Bytes of a file that is gone, or that are not those of the file, are of no use to a later attempt. */
function isToBeContinued(error: unknown, signal: AbortSignal | undefined): boolean {
  if (signal?.aborted || error instanceof FileshareConnectionError) return true;
  return error instanceof FileshareProblem && ![403, 404, 410].includes(error.status);
}
