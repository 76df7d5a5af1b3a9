import type { Fileshare } from '../fileshare.ts';
import type { Handle } from '../handle.ts';
import { fileSource } from '../node.ts';
import type { UploadSource } from '../source.ts';
import type { UploadProgress, Way } from '../upload/options.ts';
import { type Bar, createBars } from './bars.ts';
import { bytes, type Context, connect, line, print, say } from './context.ts';
import { EXIT, type ExitCode, exitOf, exitOfError, isAbort, messageOf, UsageError, worst } from './exit.ts';

export interface UploadFlags {
  readonly wait?: boolean;
  readonly timeout: number;
  readonly name?: string;
  readonly type?: string;
  readonly via?: Way;
  readonly idempotencyKey?: string;
  readonly correlationId?: string;
  readonly allowEmpty?: boolean;
}

interface Result {
  readonly file: string;
  readonly handle?: Handle;
  readonly error?: unknown;
  /** Bytes that an earlier attempt had brought there. */
  readonly resumedFrom?: number;
}

/** `fileshare upload FILE... [--wait]`: one file after the other, and a summary. */
export async function uploadCommand(
  context: Context,
  files: readonly string[],
  flags: UploadFlags,
): Promise<void> {
  const single = flags.name !== undefined || flags.idempotencyKey !== undefined;
  if (single && files.length > 1) throw new UsageError('--name and --idempotency-key are for one file.');
  if (files.filter((file) => file === '-').length > 1)
    throw new UsageError('Standard input can be read once only.');
  const fileshare = connect(context);
  const bars = createBars(!context.common.quiet);
  const results: Result[] = [];
  try {
    for (const file of files) {
      if (context.signal.aborted) break;
      results.push(await uploadOne(context, fileshare, file, flags, (size) => bars.add(file, size)));
    }
  } finally {
    bars.stop();
  }
  for (const result of results) report(context, result);
  context.exit(worst(results.map((result) => codeOf(result, flags))));
}

async function uploadOne(
  { signal }: Context,
  fileshare: Fileshare,
  file: string,
  { wait, timeout, allowEmpty = false, ...flags }: UploadFlags,
  addBar: (size: number | undefined) => Bar,
): Promise<Result> {
  let handle: Handle | undefined;
  let resumedFrom = 0;
  try {
    const source: UploadSource = file === '-' ? await standardInput(allowEmpty) : await fileSource(file);
    const bar = addBar('size' in source ? source.size : undefined);
    const onProgress = (progress: UploadProgress) => {
      resumedFrom = progress.resumedFrom;
      bar.update(progress.sent, progress.size);
    };
    handle = await fileshare.upload(source, { ...flags, signal, onProgress });
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

/** An empty one usually comes from a command that failed before a pipe. @throws {UsageError} */
async function standardInput(allowEmpty: boolean): Promise<AsyncIterable<Uint8Array>> {
  const pieces: AsyncIterator<Uint8Array> = process.stdin[Symbol.asyncIterator]();
  let next = await pieces.next();
  if (next.done && !allowEmpty)
    throw new UsageError('It is empty. Say --allow-empty to upload an empty file.');
  return (async function* () {
    for (; !next.done; next = await pieces.next()) yield next.value;
  })();
}

/** A file that was taken in is a success without --wait. */
function codeOf({ handle, error }: Result, { wait }: UploadFlags): ExitCode {
  if (error !== undefined) return exitOfError(error);
  if (!handle) return EXIT.failed;
  const code = exitOf(handle);
  return !wait && code === EXIT.pending ? EXIT.ok : code;
}

function report(context: Context, { file, handle, error, resumedFrom = 0 }: Result): void {
  if (resumedFrom > 0) say(context, `${file}: went on from ${bytes(resumedFrom)}`);
  if (handle) print(context, handle, line(handle));
  if (error === undefined) return;
  const resumable = file !== '-' && !handle;
  const interrupted = `interrupted.${resumable ? ' The same command again goes on from here.' : ''}`;
  say(context, `${file}: ${isAbort(error) ? interrupted : messageOf(error)}`);
}
