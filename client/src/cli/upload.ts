import { FileshareProblem } from '../errors.ts';
import type { Fileshare } from '../fileshare.ts';
import type { Handle } from '../handle.ts';
import type { UploadSource } from '../source.ts';
import type { UploadOptions, UploadProgress, Way } from '../upload/options.ts';
import { type Bar, type Bars, createBars } from './bars.ts';
import { addressesOf, connect } from './connect.ts';
import { bytes, type Context, complain, harmless, say, show } from './context.ts';
import { inParallel } from './each.ts';
import { EXIT, type ExitCode, exitOf, exitOfError, isAbort, messageOf, UsageError, worst } from './exit.ts';
import { type Input, type InputFlags, inputsOf, isFolder } from './inputs.ts';
import { Journal } from './journal.ts';
import { Slots } from './slots.ts';

export interface UploadFlags extends InputFlags {
  readonly wait?: boolean;
  readonly timeout: number;
  readonly name?: string;
  readonly type?: string;
  readonly via?: Way;
  readonly idempotencyKey?: string;
  readonly correlationId?: string;
  readonly callbackUrl?: string;
  /** RFC 3339. */
  readonly expires?: string;
  /** Files at a time; without it, by their size. */
  readonly parallel?: number;
}

interface Result {
  readonly file: string;
  readonly handle?: Handle;
  readonly error?: unknown;
  /** Bytes that an earlier attempt had brought there. */
  readonly resumedFrom?: number;
}

interface Run {
  readonly context: Context;
  readonly fileshare: Fileshare;
  readonly flags: UploadFlags;
  readonly bars: Bars;
  readonly journal: Journal | undefined;
  /** Room for files that take much memory. */
  readonly large: Slots;
}

/** Files at a time: of small ones an answer takes longer than the bytes, and of large ones each has its chunks in memory. */
const PARALLEL = 8;
const PARALLEL_LARGE = 4;
/** Bytes from which on a file is large, as is a stream. */
const LARGE_BYTES = 8 * 1024 * 1024;

/** `fileshare upload FILE... [-r] [--wait]`: a line for each file in their order, and a total. */
export async function uploadCommand(
  context: Context,
  files: readonly string[],
  flags: UploadFlags,
): Promise<void> {
  const folders = flags.recursive ? files.filter(isFolder) : [];
  const single = flags.name !== undefined || flags.idempotencyKey !== undefined;
  if (single && (files.length > 1 || folders.length > 0))
    throw new UsageError('--name and --idempotency-key are for one file.');
  if (files.filter((file) => file === '-').length > 1)
    throw new UsageError('Standard input can be read once only.');
  const fileshare = connect(context);
  // A file with another correlation id or callback URL is another upload.
  const service = JSON.stringify([addressesOf(context), flags.correlationId, flags.callbackUrl]);
  const journal = folders.length > 0 ? await Journal.open(service, folders) : undefined;
  const bars = createBars(!context.common.quiet && !journal);
  const results: Result[] = [];
  try {
    // Bars and lines would overwrite each other.
    const atOnce = journal ? (result: Result) => report(context, result) : undefined;
    const { parallel = PARALLEL } = flags;
    const large = new Slots(flags.parallel ?? PARALLEL_LARGE);
    const run = { context, fileshare, flags, bars, journal, large };
    const limits = { parallel, signal: context.signal };
    results.push(
      ...(await inParallel(inputsOf(files, flags), limits, (input) => uploadOne(run, input), atOnce)),
    );
  } finally {
    bars.stop();
  }
  if (!journal) for (const result of results) report(context, result);
  if (results.length > 1 || journal) say(context, totalOf(results));
  if (!context.signal.aborted && results.every(isThere)) await journal?.remove();
  const codes = results.map((result) => codeOf(result, flags));
  context.exit(worst(context.signal.aborted ? [...codes, EXIT.interrupted] : codes));
}

async function uploadOne(run: Run, { file, inFolder, source: open }: Input): Promise<Result> {
  const { context, fileshare, flags, bars } = run;
  const { signal } = context;
  const { wait, timeout, name, type, idempotencyKey, correlationId, callbackUrl } = flags;
  const { expires: expiresAt } = flags;
  let handle: Handle | undefined;
  let resumedFrom = 0;
  try {
    const source = await open();
    const via = wayOf(flags, 'size' in source ? source.size : undefined);
    const upload = () => (inFolder ? uploadNoted(run, source, options) : fileshare.upload(source, options));
    const isLarge = !('size' in source && source.size !== undefined && source.size <= LARGE_BYTES);
    const bar: Bar = bars.add(file, 'size' in source ? source.size : undefined);
    const onProgress = (progress: UploadProgress) => {
      resumedFrom = progress.resumedFrom;
      bar.update(progress.sent, progress.size);
    };
    const described = { name, type, correlationId, callbackUrl, expiresAt };
    const options = { ...described, via, idempotencyKey, signal, onProgress };
    handle = await (isLarge ? run.large.within(upload) : upload());
    if (wait) {
      bar.note('scanning');
      handle = await fileshare.wait(handle.id, { signal, timeout });
    }
    bar.note(handle.state);
    return { file, handle, resumedFrom };
  } catch (error) {
    return { file, error, ...(handle && { handle }) };
  }
}

/** The way of a file: its key means nothing where it goes in several requests. @throws {UsageError} */
function wayOf({ via, idempotencyKey }: UploadFlags, size = 0): UploadFlags['via'] {
  if (idempotencyKey === undefined) return via;
  if (via === 'post' || (via === undefined && size <= LARGE_BYTES)) return 'post';
  throw new UsageError('--idempotency-key is for a file of at most 8 MiB, or with --via post.');
}

const GONE: readonly Handle['state'][] = ['uploading', 'failed', 'expired', 'deleted'];

/** Uploads a file of a folder, unless an earlier run has. */
async function uploadNoted(
  { context: { signal }, fileshare, journal }: Run,
  source: UploadSource,
  options: UploadOptions,
): Promise<Handle> {
  const fingerprint = 'fingerprint' in source ? source.fingerprint : undefined;
  if (!journal || fingerprint === undefined) return fileshare.upload(source, options);
  const noted = journal.find(fingerprint);
  const there = noted?.id === undefined ? undefined : await statusOf(fileshare, noted.id, signal);
  // Another caller's, which may be shared with this one, is no upload of theirs.
  if (there?.viewerCount !== undefined && !GONE.includes(there.state)) return there;
  const isLost = noted !== undefined && noted.id === undefined;
  const key = isLost ? noted.key : await journal.begin(fingerprint);
  try {
    const handle = await fileshare.upload(source, { ...options, idempotencyKey: key });
    await journal.finish(fingerprint, key, handle.id);
    return handle;
  } catch (error) {
    // Other bytes of the same size and time: the next run sends them under a new key.
    const isReused = error instanceof FileshareProblem && error.code === 'idempotency-key-reused';
    if (isReused) await journal.begin(fingerprint);
    throw error;
  }
}

function isThere({ handle, error }: Result): boolean {
  return handle !== undefined && error === undefined && !GONE.includes(handle.state);
}

async function statusOf(fileshare: Fileshare, id: string, signal: AbortSignal): Promise<Handle | undefined> {
  try {
    return await fileshare.status(id, { signal });
  } catch (error) {
    if (error instanceof FileshareProblem && error.status === 404) return undefined;
    throw error;
  }
}

/** A file that was taken in is a success without --wait. */
function codeOf({ handle, error }: Result, { wait }: UploadFlags): ExitCode {
  if (error !== undefined) return exitOfError(error);
  if (!handle) return EXIT.failed;
  const code = exitOf(handle);
  return !wait && code === EXIT.pending ? EXIT.ok : code;
}

function report(context: Context, { file, handle, error, resumedFrom = 0 }: Result): void {
  if (resumedFrom > 0) say(context, `${harmless(file)}: went on from ${bytes(resumedFrom)}`);
  if (handle) show(context, handle);
  if (error === undefined) return;
  const resumable = file !== '-' && !handle;
  const interrupted = `interrupted.${resumable ? ' The same command again goes on from here.' : ''}`;
  complain(context, file, error, isAbort(error) ? interrupted : messageOf(error));
}

/** Such as "12 files: 10 clean, 1 infected, 1 not uploaded; 3.4 MB". */
function totalOf(results: readonly Result[]): string {
  const counts = new Map<string, number>();
  for (const { handle } of results) {
    const state = handle?.state ?? 'not uploaded';
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  const states = [...counts].map(([state, count]) => `${count} ${state}`).join(', ');
  const size = results.reduce((sum, { handle }) => sum + (handle?.size ?? 0), 0);
  return `${results.length} file${results.length === 1 ? '' : 's'}: ${states}; ${bytes(size)}`;
}
