import { type Command, Option } from 'commander';
import type { GetContext } from './context.ts';
import { type DownloadFlags, downloadCommand } from './download.ts';
import {
  expireCommand,
  receiptsCommand,
  removeCommand,
  rescanFilesCommand,
  STATES,
  shareCommand,
  statusCommand,
  unshareCommand,
  waitCommand,
} from './files.ts';
import { FORMATS, type ListFlags, listCommand } from './listing.ts';
import { append, count, end, seconds } from './options.ts';
import { changeReferencesCommand, listReferencesCommand } from './references.ts';
import { verifyReportCommand } from './report.ts';
import { type UploadFlags, uploadCommand } from './upload.ts';
import { verdictCommand, verifyVerdictCommand } from './verdict.ts';

/** Adds the commands that move files. */
export function addTransfers(program: Command, context: GetContext): void {
  program
    .command('upload')
    .description('upload files; - is standard input. The same command after a break goes on where it stood')
    .argument('<file...>', 'files, and with -r folders')
    .option('-r, --recursive', 'upload the files in folders; links are not followed')
    .option('--include <pattern>', 'of folders only these, as "*.dcm" or "2026/**"; repeatable', append)
    .option('--exclude <pattern>', 'of folders not these; repeatable', append)
    .option('--parallel <count>', 'files at a time; by default 8, and of those above 8 MiB 4', count)
    .option('-w, --wait', 'wait for the verdicts')
    .option('--timeout <seconds>', 'how long to wait for each', seconds, 600)
    .option('--name <name>', 'the name it gets')
    .option('--type <type>', 'its media type, such as application/pdf')
    .option(
      '--idempotency-key <key>',
      'the same key again within 24 hours gives the same file; up to 8 MiB, or with --via post',
    )
    .option('--correlation-id <id>', 'your own identifier, for handles, listings and events')
    .option('--expires <end>', 'delete it then: a time, or 12h, 7d, 4w from now', end)
    .option('--allow-empty', 'take an empty standard input')
    .addOption(
      new Option('--via <way>', 'how to send it, instead of by size').choices(['post', 'tus', 'direct']),
    )
    .action((files: string[], flags: UploadFlags) => uploadCommand(context(), files, flags));
  program
    .command('download')
    .description('download clean files, and verify them')
    .argument('<id...>', 'ids of files')
    .option('-o, --output <path>', 'file or folder to save to; several need a folder; - is standard output')
    .option('--parallel <count>', 'files at a time', count, 4)
    .option('-f, --force', 'replace a file that exists')
    .option('--connections <count>', 'connections for a file of 64 MiB or more', count, 4)
    .action((ids: string[], flags: DownloadFlags) => downloadCommand(context(), ids, flags));
}

/** Adds the commands about files of the service. */
export function addFiles(program: Command, context: GetContext): void {
  program
    .command('status')
    .description('tell what became of files')
    .argument('<id...>', 'ids of files')
    .action((ids: string[]) => statusCommand(context(), ids));
  program
    .command('wait')
    .description('wait for a verdict; the exit code tells it')
    .argument('<id>', 'id of the file')
    .option('--timeout <seconds>', 'how long', seconds, 600)
    .action((id: string, flags: { timeout: number }) => waitCommand(context(), id, flags));
  program
    .command('share')
    .description('let others view a file; without a principal, tell who may')
    .argument('<id>', 'id of the file')
    .argument('[principal...]', 'such as org:889640782 or group:radiology')
    .option('--until <end>', 'for that long: a time, or 12h, 7d, 4w from now', end)
    .action((id: string, principals: string[], flags: { until?: string }) =>
      shareCommand(context(), id, principals, flags),
    );
  program
    .command('expire')
    .description('set the end of a file, which is deleted then, or remove it')
    .argument('<id>', 'id of the file')
    .argument('<end>', 'a time, or 12h, 7d, 4w from now; never', (text) =>
      text === 'never' ? text : end(text),
    )
    .action((id: string, at: string) => expireCommand(context(), id, at));
  program
    .command('unshare')
    .description('no longer let others view a file')
    .argument('<id>', 'id of the file')
    .argument('<principal...>', 'such as org:889640782')
    .action((id: string, principals: string[]) => unshareCommand(context(), id, principals));
  program
    .command('rescan')
    .description('ask for another scan of clean files, by the signatures of today')
    .argument('<id...>', 'ids of files')
    .action((ids: string[]) => rescanFilesCommand(context(), ids));
  program
    .command('receipts')
    .description('tell who has downloaded a file, and when first')
    .argument('<id>', 'id of the file')
    .action((id: string) => receiptsCommand(context(), id));
  program
    .command('ls')
    .description('list your files, newest first')
    .addOption(new Option('--state <state...>', 'only files in these states').choices(STATES))
    .option('--limit <count>', 'at most so many', count)
    .option('--owner <principal>', 'the files of another; for administrators')
    .addOption(new Option('--shared', 'instead, files that others share with you').conflicts('owner'))
    .addOption(
      new Option('--format <format>', 'a table unless --json or --quiet, which prints ids').choices(FORMATS),
    )
    .option('--correlation-id <id>', 'only files that were uploaded with it')
    .action((flags: ListFlags) => listCommand(context(), flags));
  program
    .command('rm')
    .description('take files back')
    .argument('<id...>', 'ids of files')
    .action((ids: string[]) => removeCommand(context(), ids));
  addReferences(program, context);
}

function addReferences(program: Command, context: GetContext): void {
  const refs = program.command('refs').description('the resources that refer to a file, which keep it');
  refs
    .command('ls')
    .description('list the resources that refer to a file')
    .argument('<id>', 'id of the file')
    .action((id: string) => listReferencesCommand(context(), id));
  refs
    .command('add')
    .description('keep a file as long as a resource refers to it')
    .argument('<id>', 'id of the file')
    .argument('<uri...>', 'absolute, such as https://ehr.example/fhir/DocumentReference/123')
    .action((id: string, uris: string[]) => changeReferencesCommand(context(), 'add', id, uris));
  refs
    .command('rm')
    .description('no longer keep a file for a resource')
    .argument('<id>', 'id of the file')
    .argument('<uri...>', 'as refs ls lists it')
    .action((id: string, uris: string[]) => changeReferencesCommand(context(), 'remove', id, uris));
}

/** Adds the commands of signed verdicts. */
export function addVerdicts(program: Command, context: GetContext): void {
  program
    .command('verdict')
    .description('print a signed statement of the verdict on a file')
    .argument('<id>', 'id of the file')
    .option('--jws', 'as a JWS instead of an envelope of DSSE')
    .action((id: string, flags: { jws?: true }) => verdictCommand(context(), id, flags));
  program
    .command('verify-verdict')
    .description(
      'check that a statement is signed, and that it is about these bytes; the exit code tells its verdict',
    )
    .argument('<file>', 'the bytes')
    .argument('<statement>', 'file with what verdict printed')
    .option('--keys <url-or-file>', 'public keys to trust, by default those of the service')
    .action((file: string, statement: string, flags: { keys?: string }) =>
      verifyVerdictCommand(context(), file, statement, flags),
    );
  program
    .command('verify-report')
    .description('check that the report of an audit is signed; the exit code tells whether a rule is broken')
    .argument('<report>', 'file with an object below auditor/reports/')
    .option('--keys <url-or-file>', 'public keys to trust, by default those of the service')
    .action((report: string, flags: { keys?: string }) => verifyReportCommand(context(), report, flags));
}
