import { type Command, Option } from 'commander';
import { ask } from './admin.ts';
import { type Context, type GetContext, harmless, print } from './context.ts';
import { UsageError } from './exit.ts';
import { end } from './options.ts';

interface Answer {
  readonly intake: {
    readonly state: 'open' | 'paused';
    readonly reason?: string;
    readonly by?: string;
    readonly at?: string;
    readonly until?: string;
  };
  readonly notice?: {
    readonly text: string;
    readonly level: string;
    readonly by: string;
    readonly from?: string;
    readonly until?: string;
    readonly shown: boolean;
  };
  readonly deployment?: { readonly name: string; readonly since: string };
}

interface NoticeFlags {
  readonly level?: string;
  readonly from?: string;
  readonly until?: string;
  readonly clear?: true;
}

/** Adds `fileshare admin intake | pause | resume | notice | adopt`. */
export function addIntake(admin: Command, context: GetContext): void {
  admin
    .command('intake')
    .description('show whether uploads are accepted, the notice to users, and whose the buckets are')
    .action(() => order(context(), 'GET', '/intake'));
  admin
    .command('pause')
    .description('stop accepting new uploads; those under way can be completed')
    .argument('<reason>', 'reason, which everybody can read')
    .option('--until <time>', 'when uploads are accepted again: a time, or 30m, 2h, 1d from now', end)
    .action((reason: string, flags: { until?: string }) =>
      order(context(), 'POST', '/intake/pause', { reason, ...flags }),
    );
  admin
    .command('resume')
    .description('accept new uploads again')
    .action(() => order(context(), 'POST', '/intake/resume', {}));
  admin
    .command('notice')
    .description('show users a notice, for example of maintenance; it replaces the previous one')
    .argument('[text]', 'at most 500 characters, which everybody can read')
    .addOption(new Option('--level <level>', 'how urgent the notice is').choices(['info', 'warning']))
    .option('--from <time>', 'when to start showing it', end)
    .option('--until <time>', 'when to stop showing it', end)
    .option('--clear', 'remove the notice')
    .action((text: string | undefined, flags: NoticeFlags) => noticeCommand(context(), text, flags));
  admin
    .command('adopt')
    .description('take over the buckets of a deployment that no longer uses them')
    .requiredOption('--from <deployment>', 'the deployment that the buckets belong to')
    .action(({ from }: { from: string }) => order(context(), 'POST', '/deployment/adopt', { from }));
}

/** `fileshare admin notice TEXT` or `--clear` */
async function noticeCommand(
  context: Context,
  text: string | undefined,
  { clear, ...flags }: NoticeFlags,
): Promise<void> {
  if ((clear === true) === (text !== undefined)) throw new UsageError('Give a text, or use --clear.');
  if (clear) await order(context, 'DELETE', '/notice');
  else await order(context, 'PUT', '/notice', { text, ...flags });
}

async function order(
  context: Context,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  json?: object,
): Promise<void> {
  const response = await ask(context, path, { method, ...(json && { json }) });
  const answer = (await response.json()) as Answer;
  print(context, answer, explained(answer).map(harmless).join('\n'));
}

function explained({ intake, notice, deployment }: Answer): string[] {
  const { state, reason, by, at, until } = intake;
  const paused = `paused since ${at}${until === undefined ? '' : ` until ${until}`} by ${by}: ${reason}`;
  return [
    `intake      ${state === 'open' ? 'open' : paused}`,
    ...(notice ? [`notice      ${noticeOf(notice)}`] : []),
    ...(deployment ? [`deployment  ${deployment.name} since ${deployment.since}`] : []),
  ];
}

function noticeOf({ shown, level, from, until, by, text }: NonNullable<Answer['notice']>): string {
  const bounds = [from && `from ${from}`, until && `until ${until}`];
  const terms = [shown ? 'shown' : 'not shown now', level, ...bounds].filter((term) => term);
  return `${terms.join(', ')} by ${by}: ${text}`;
}
