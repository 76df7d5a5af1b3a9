import { readFileSync } from 'node:fs';
import { type Command, createCommand } from 'commander';
import type { Fetch } from '../send.ts';
import { addAdministration } from './administration.ts';
import { completionScript, SHELLS } from './completion.ts';
import type { Common, Context, GetContext } from './context.ts';
import { print } from './context.ts';
import type { ExitCode } from './exit.ts';
import { addFiles, addTransfers, addVerdicts } from './file-commands.ts';
import { tokenCommand } from './files.ts';
import { epilogue, FIRST_STEPS, SUMMARY } from './help.ts';
import { addLogin } from './login-commands.ts';
import { count, seconds } from './options.ts';
import { type TraceFlags, traceCommand } from './trace.ts';
import { verbose } from './verbose.ts';
import { type VerifyFlags, verifyCommand } from './verify/command.ts';
import { type WatchFlags, watchCommand } from './watch.ts';

export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  /** Failures are reported as documents, also one in the arguments. */
  readonly json: boolean;
  readonly signal: AbortSignal;
  readonly exit: (code: ExitCode) => void;
}

/** The whole command line. @throws {import('commander').CommanderError}, and whatever its commands throw, from `parseAsync` */
export function createProgram(surroundings: Surroundings): Command {
  const program = createCommand('fileshare')
    .description(`${SUMMARY}\n\n${FIRST_STEPS}`)
    .addHelpText('after', epilogue())
    .version(versionOf())
    .option('--url <url>', 'URL of the service')
    .option('--upload-url <url>', 'URL of the upload function, in place of --url')
    .option('--files-url <url>', 'URL of the files function, in place of --url')
    .option('--token-file <file>', 'file with the bearer token')
    .option('--profile <name>', 'profile with the settings and the login to use')
    .option('--json', 'print JSON, one document per line; errors as problem documents')
    .option('-q, --quiet', 'print no progress and no messages; of files only their IDs')
    .option('-v, --verbose', 'print each request: URL, status, milliseconds, IDs')
    .exitOverride();
  if (surroundings.json) program.configureOutput({ writeErr: () => undefined });
  else program.showHelpAfterError('(see fileshare --help)');
  const context = (): Context => {
    const common = program.opts<Common>();
    return { ...surroundings, common, fetch: common.verbose ? verbose(request, tell) : request };
  };
  addTransfers(program, context);
  addFiles(program, context);
  addVerdicts(program, context);
  addLogin(program, context);
  addOthers(program, context);
  addAdministration(program, context);
  return program;
}

function addOthers(program: Command, context: GetContext): void {
  program
    .command('watch')
    .description('follow changes of your files, or with --subscription all events')
    .option(
      '--subscription <name>',
      'Pub/Sub subscription, projects/PROJECT/subscriptions/NAME; its messages are acknowledged',
    )
    .option('--count <count>', 'stop after this many lines', count)
    .option('--interval <seconds>', 'time between two requests', seconds, 2)
    .action((flags: WatchFlags) => watchCommand(context(), flags));
  program
    .command('trace')
    .description('follow one file through the logs of every function, in order, with milliseconds')
    .argument('<id>', 'id of the file')
    .option('--logs <folder>', 'folder with the logs of `npm start`', '.local/logs')
    .option('--project <project>', 'print the command that asks Cloud Logging instead')
    .action((id: string, flags: TraceFlags) => traceCommand(context(), id, flags));
  program
    .command('verify')
    .description('check that a deployment keeps its promises; leaves nothing behind')
    .option('--token <token>', 'bearer token for reading and writing; better in FILESHARE_TOKEN')
    .option(
      '--other-token <token>',
      'token of a second principal, to check sharing; better in FILESHARE_OTHER_TOKEN',
    )
    .option(
      '--subscription <name>',
      'Pub/Sub subscription to check events with, projects/PROJECT/subscriptions/NAME; best a separate one',
    )
    .option('--pubsub-token <token>', 'token to pull from it; better in FILESHARE_PUBSUB_TOKEN')
    .option('--timeout <seconds>', 'how long to wait for each verdict, and for events', seconds, 300)
    .action((flags: VerifyFlags) => verifyCommand(context(), flags));
  program
    .command('token')
    .description('get a token of the development issuer that `npm start` runs')
    .argument('[principal]', 'principal that it is for', 'org:889640782')
    .option('--scope <scopes>', 'what it allows', 'read write')
    .action((principal: string, flags: { scope: string }) => tokenCommand(context(), principal, flags));
  program
    .command('completion')
    .description('print a script that completes commands and options')
    .addArgument(program.createArgument('<shell>', 'shell that it is for').choices(SHELLS))
    .action((shell: (typeof SHELLS)[number]) => {
      const script = completionScript(program, shell);
      print(context(), { shell, script }, script.trimEnd());
    });
}

function versionOf(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

const request: Fetch = (url, init) => fetch(url, init);

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
