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
    .description('upload files (- is standard input); repeat the command to resume after an interruption')
    .argument('<file...>', 'files; with -r also folders')
    .option('-r, --recursive', 'upload folders; symbolic links are not followed')
    .option(
      '--include <pattern>',
      'in folders, only files that match, such as "*.dcm" or "2026/**"; repeatable',
      append,
    )
    .option('--exclude <pattern>', 'in folders, no files that match; repeatable', append)
    .option('--parallel <count>', 'uploads at a time; by default 8, or 4 for files above 8 MiB', count)
    .option('-w, --wait', 'wait for the verdicts')
    .option('--timeout <seconds>', 'how long to wait for each verdict', seconds, 600)
    .option('--name <name>', 'file name to store')
    .option('--type <type>', 'media type, such as application/pdf')
    .option(
      '--idempotency-key <key>',
      'repeating an upload with the same key within 24 hours returns the same file; up to 8 MiB, or with --via post',
    )
    .option('--correlation-id <id>', 'your own identifier, which status, listings and events show')
    .option(
      '--callback-url <url>',
      'where the service posts the events of the file; its operator allows origins',
    )
    .option('--expires <end>', 'when to delete it: a time, or 12h, 7d, 4w from now', end)
    .option('--allow-empty', 'accept an empty standard input')
    .addOption(
      new Option('--via <way>', 'how to upload; by default it depends on the size').choices([
        'post',
        'tus',
        'direct',
      ]),
    )
    .action((files: string[], flags: UploadFlags) => uploadCommand(context(), files, flags));
  program
    .command('download')
    .description('download clean files and verify them')
    .argument('<id...>', 'ids of files')
    .option('-o, --output <path>', 'file or folder to save to; several need a folder; - is standard output')
    .option('--parallel <count>', 'files at a time', count, 4)
    .option('-f, --force', 'overwrite existing files')
    .option('--connections <count>', 'connections for a file of 64 MiB or more', count, 4)
    .action((ids: string[], flags: DownloadFlags) => downloadCommand(context(), ids, flags));
}

/** Adds the commands about files of the service. */
export function addFiles(program: Command, context: GetContext): void {
  program
    .command('status')
    .description('show the state of files')
    .argument('<id...>', 'ids of files')
    .action((ids: string[]) => statusCommand(context(), ids));
  program
    .command('wait')
    .description('wait for the verdict; the exit code shows which')
    .argument('<id>', 'id of the file')
    .option('--timeout <seconds>', 'how long to wait', seconds, 600)
    .action((id: string, flags: { timeout: number }) => waitCommand(context(), id, flags));
  program
    .command('share')
    .description('let others view a file; without a principal, list who may')
    .argument('<id>', 'id of the file')
    .argument('[principal...]', 'such as org:889640782 or group:radiology')
    .option('--until <end>', 'when the access ends: a time, or 12h, 7d, 4w from now', end)
    .action((id: string, principals: string[], flags: { until?: string }) =>
      shareCommand(context(), id, principals, flags),
    );
  program
    .command('expire')
    .description('set when a file expires and is deleted')
    .argument('<id>', 'id of the file')
    .argument('<end>', 'a time, or 12h, 7d, 4w from now, or never', (text) =>
      text === 'never' ? text : end(text),
    )
    .action((id: string, at: string) => expireCommand(context(), id, at));
  program
    .command('unshare')
    .description('stop letting others view a file')
    .argument('<id>', 'id of the file')
    .argument('<principal...>', 'such as org:889640782')
    .action((id: string, principals: string[]) => unshareCommand(context(), id, principals));
  program
    .command('rescan')
    .description('scan clean files again with current signatures')
    .argument('<id...>', 'ids of files')
    .action((ids: string[]) => rescanFilesCommand(context(), ids));
  program
    .command('receipts')
    .description('list who has downloaded a file, and when they did first')
    .argument('<id>', 'id of the file')
    .action((id: string) => receiptsCommand(context(), id));
  program
    .command('ls')
    .description('list your files, newest first')
    .addOption(new Option('--state <state...>', 'only files in these states').choices(STATES))
    .option('--limit <count>', 'list at most this many', count)
    .option('--owner <principal>', 'files of another owner; for administrators')
    .addOption(
      new Option('--shared', 'files that others share with you, instead of yours').conflicts('owner'),
    )
    .addOption(new Option('--format <format>', 'how to print; by default a table').choices(FORMATS))
    .option('--correlation-id <id>', 'only files uploaded with this identifier')
    .action((flags: ListFlags) => listCommand(context(), flags));
  program
    .command('rm')
    .description('delete files')
    .argument('<id...>', 'ids of files')
    .action((ids: string[]) => removeCommand(context(), ids));
  addReferences(program, context);
}

function addReferences(program: Command, context: GetContext): void {
  const refs = program
    .command('refs')
    .description('manage the resources that refer to a file and so keep it');
  refs
    .command('ls')
    .description('list the resources that refer to a file')
    .argument('<id>', 'id of the file')
    .action((id: string) => listReferencesCommand(context(), id));
  refs
    .command('add')
    .description('add references: a file is kept as long as it has any')
    .argument('<id>', 'id of the file')
    .argument('<uri...>', 'absolute URI, such as https://ehr.example/fhir/DocumentReference/123')
    .action((id: string, uris: string[]) => changeReferencesCommand(context(), 'add', id, uris));
  refs
    .command('rm')
    .description('remove references')
    .argument('<id>', 'id of the file')
    .argument('<uri...>', 'URI as refs ls prints it')
    .action((id: string, uris: string[]) => changeReferencesCommand(context(), 'remove', id, uris));
}

/** Adds the commands of signed verdicts. */
export function addVerdicts(program: Command, context: GetContext): void {
  program
    .command('verdict')
    .description('print the signed verdict on a file')
    .argument('<id>', 'id of the file')
    .option('--jws', 'as a JWS instead of a DSSE envelope')
    .action((id: string, flags: { jws?: true }) => verdictCommand(context(), id, flags));
  program
    .command('verify-verdict')
    .description(
      'check the signature of a verdict and that it is about these bytes; the exit code shows the verdict',
    )
    .argument('<file>', 'the downloaded file')
    .argument('<statement>', 'file with the output of verdict')
    .option('--keys <url-or-file>', 'public keys to trust; by default those of the service')
    .action((file: string, statement: string, flags: { keys?: string }) =>
      verifyVerdictCommand(context(), file, statement, flags),
    );
  program
    .command('verify-report')
    .description('check the signature of an audit report; the exit code shows whether a rule is broken')
    .argument('<report>', 'report, as stored below auditor/reports/')
    .option('--keys <url-or-file>', 'public keys to trust; by default those of the service')
    .action((report: string, flags: { keys?: string }) => verifyReportCommand(context(), report, flags));
}
