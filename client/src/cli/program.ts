import { type Command, createCommand, Option } from 'commander';
import { addAdministration } from './administration.ts';
import { completionScript, SHELLS } from './completion.ts';
import type { Common, Context, GetContext } from './context.ts';
import { DEFAULT_URL } from './context.ts';
import { type DownloadFlags, downloadCommand } from './download.ts';
import type { ExitCode } from './exit.ts';
import {
  receiptsCommand,
  removeCommand,
  rescanFilesCommand,
  STATES,
  shareCommand,
  statusCommand,
  tokenCommand,
  unshareCommand,
  waitCommand,
} from './files.ts';
import { FORMATS, type ListFlags, listCommand } from './listing.ts';
import { append, count, seconds } from './options.ts';
import { type UploadFlags, uploadCommand } from './upload.ts';
import { verdictCommand, verifyVerdictCommand } from './verdict.ts';
import { type VerifyFlags, verifyCommand } from './verify/command.ts';
import { type WatchFlags, watchCommand } from './watch.ts';

const INTRODUCTION = `Shares files that are scanned for malware before anybody gets them.

Begin with:
  export FILESHARE_URL=https://fileshare.example.org       or, without a load balancer,
  export FILESHARE_UPLOAD_URL=https://… FILESHARE_FILES_URL=https://…
  export FILESHARE_TOKEN=...           a token of your identity provider
  fileshare upload report.pdf --wait   prints the file's id once it is clean
  fileshare share ID org:974652269     lets somebody else have it
  fileshare download ID

Against \`npm start\`, which runs the whole service on your machine:
  export FILESHARE_TOKEN=$(fileshare token)`;

const EPILOGUE = `
Environment:
  FILESHARE_URL           where the service is (${DEFAULT_URL})
  FILESHARE_UPLOAD_URL    instead, the upload function
  FILESHARE_FILES_URL     and the files function, where they have host names of their own
  FILESHARE_TOKEN         a bearer token
  FILESHARE_TOKEN_FILE    a file with it, read before each request
  FILESHARE_OTHER_TOKEN   for verify: the token of a second principal
  FILESHARE_SWEEPER_URL   for admin: where the sweeper is
  FILESHARE_OPERATOR_TOKEN  for admin: an identity token, or FILESHARE_OPERATOR_TOKEN_FILE with one
  FILESHARE_PUBSUB_TOKEN  for --subscription: gcloud auth print-access-token
  PUBSUB_EMULATOR_HOST    for --subscription: an emulator in place of Google's Pub/Sub

Exit codes:
  0  done; with --wait, clean        5  failed, or something went wrong
  2  called in a wrong way           6  no verdict yet, or not in time
  3  infected                        7  not allowed, or no such file for you
  4  could not be scanned          130  interrupted

  eval "$(fileshare completion bash)"  completes commands and options; also zsh and fish`;

export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly exit: (code: ExitCode) => void;
}

/** The whole command line. @throws {import('commander').CommanderError}, and whatever its commands throw, from `parseAsync` */
export function createProgram(surroundings: Surroundings): Command {
  const program = createCommand('fileshare')
    .description(INTRODUCTION)
    .addHelpText('after', EPILOGUE)
    .version('0.1.0')
    .option('--url <url>', 'where the service is')
    .option('--upload-url <url>', 'instead, where its upload function is')
    .option('--files-url <url>', 'and where its files function is')
    .option('--token-file <file>', 'a file with the bearer token')
    .option('--json', 'print JSON, one document a line')
    .option('-q, --quiet', 'no progress, no words')
    .showHelpAfterError('(fileshare --help tells more)')
    .exitOverride();
  const context = (): Context => ({ ...surroundings, common: program.opts<Common>() });
  addTransfers(program, context);
  addFiles(program, context);
  addVerdicts(program, context);
  addOthers(program, context);
  addAdministration(program, context);
  return program;
}

function addTransfers(program: Command, context: GetContext): void {
  program
    .command('upload')
    .description('upload files; - is standard input. The same command after a break goes on where it stood')
    .argument('<file...>', 'files, and with -r folders')
    .option('-r, --recursive', 'upload the files in folders; links are not followed')
    .option('--include <pattern>', 'of folders only these, as "*.dcm" or "2026/**"; repeatable', append)
    .option('--exclude <pattern>', 'of folders not these; repeatable', append)
    .option('--parallel <count>', 'files at a time', count, 4)
    .option('-w, --wait', 'wait for the verdicts')
    .option('--timeout <seconds>', 'how long to wait for each', seconds, 600)
    .option('--name <name>', 'the name it gets')
    .option('--type <type>', 'its media type, such as application/pdf')
    .option('--idempotency-key <key>', 'the same key again within 24 hours gives the same file')
    .option('--correlation-id <id>', 'your own identifier, for handles, listings and events')
    .option('--allow-empty', 'take an empty standard input')
    .addOption(
      new Option('--via <way>', 'how to send it, instead of by size').choices(['post', 'tus', 'direct']),
    )
    .action((files: string[], flags: UploadFlags) => uploadCommand(context(), files, flags));
  program
    .command('download')
    .description('download a clean file, and verify it')
    .argument('<id>', 'id of the file')
    .option('-o, --output <path>', 'file or folder to save it to; - is standard output')
    .option('-f, --force', 'replace a file that exists')
    .option('--connections <count>', 'connections for a file of 64 MiB or more', count, 4)
    .action((id: string, flags: DownloadFlags) => downloadCommand(context(), id, flags));
}

function addFiles(program: Command, context: GetContext): void {
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
    .action((id: string, principals: string[]) => shareCommand(context(), id, principals));
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
}

function addVerdicts(program: Command, context: GetContext): void {
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
}

function addOthers(program: Command, context: GetContext): void {
  program
    .command('watch')
    .description('follow your files as they change, or everybody’s events with --subscription')
    .option(
      '--subscription <name>',
      'projects/PROJECT/subscriptions/NAME of Pub/Sub; its messages are acknowledged',
    )
    .option('--count <count>', 'end after so many lines', count)
    .option('--interval <seconds>', 'how often to look', seconds, 2)
    .action((flags: WatchFlags) => watchCommand(context(), flags));
  program
    .command('verify')
    .description('check that a deployment keeps its promises, and leave nothing behind')
    .option('--token <token>', 'a bearer token, to read and to write; better in FILESHARE_TOKEN')
    .option(
      '--other-token <token>',
      'that of a second principal, to check sharing; better in FILESHARE_OTHER_TOKEN',
    )
    .option(
      '--subscription <name>',
      'projects/PROJECT/subscriptions/NAME, to check events; best a separate one',
    )
    .option('--pubsub-token <token>', 'to pull from it; better in FILESHARE_PUBSUB_TOKEN')
    .option('--timeout <seconds>', 'how long to wait for each verdict, and for events', seconds, 300)
    .action((flags: VerifyFlags) => verifyCommand(context(), flags));
  program
    .command('token')
    .description('get a token of the development issuer that `npm start` runs')
    .argument('[principal]', 'whose', 'org:889640782')
    .option('--scope <scopes>', 'what for', 'read write')
    .action((principal: string, flags: { scope: string }) => tokenCommand(context(), principal, flags));
  program
    .command('completion')
    .description('print a script that completes commands and options')
    .addArgument(program.createArgument('<shell>', 'which').choices(SHELLS))
    .action((shell: (typeof SHELLS)[number]) => {
      process.stdout.write(completionScript(program, shell));
    });
}
