import { fileSource } from '../node.js';
import { createBars } from './bars.js';
import { bytes, connect, line, print, say } from './context.js';
import { EXIT, exitOf, exitOfError, isAbort, messageOf, UsageError, worst } from './exit.js';
/** `fileshare upload FILE... [--wait]`: one file after the other, and a summary. */
export async function uploadCommand(context, files, flags) {
    const single = flags.name !== undefined || flags.idempotencyKey !== undefined;
    if (single && files.length > 1)
        throw new UsageError('--name and --idempotency-key are for one file.');
    if (files.filter((file) => file === '-').length > 1)
        throw new UsageError('Standard input can be read once only.');
    const fileshare = connect(context);
    const bars = createBars(!context.common.quiet);
    const results = [];
    try {
        for (const file of files) {
            if (context.signal.aborted)
                break;
            results.push(await uploadOne(context, fileshare, file, flags, (size) => bars.add(file, size)));
        }
    }
    finally {
        bars.stop();
    }
    for (const result of results)
        report(context, result);
    context.exit(worst(results.map((result) => codeOf(result, flags))));
}
async function uploadOne({ signal }, fileshare, file, { wait, timeout, ...flags }, addBar) {
    let handle;
    let resumedFrom = 0;
    try {
        const source = file === '-' ? process.stdin : await fileSource(file);
        const bar = addBar('size' in source ? source.size : undefined);
        const onProgress = (progress) => {
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
    }
    catch (error) {
        return { file, error, ...(handle && { handle }) };
    }
}
/** Without --wait, a file that was taken in is a success. */
function codeOf({ handle, error }, { wait }) {
    if (error !== undefined)
        return exitOfError(error);
    if (!handle)
        return EXIT.failed;
    const code = exitOf(handle);
    return !wait && code === EXIT.pending ? EXIT.ok : code;
}
function report(context, { file, handle, error, resumedFrom = 0 }) {
    if (resumedFrom > 0)
        say(context, `${file}: went on from ${bytes(resumedFrom)}`);
    if (handle)
        print(context, handle, line(handle));
    if (error === undefined)
        return;
    const resumable = file !== '-' && !handle;
    const interrupted = `interrupted.${resumable ? ' The same command again goes on from here.' : ''}`;
    say(context, `${file}: ${isAbort(error) ? interrupted : messageOf(error)}`);
}
