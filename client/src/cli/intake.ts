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
    .description('tell whether new uploads are taken, and what users are told')
    .action(() => order(context(), 'GET', '/intake'));
  admin
    .command('pause')
    .description('take no new uploads; those under way can be completed')
    .argument('<reason>', 'why: everybody can read it')
    .option('--until <time>', 'when uploads are taken again: a time, or 30m, 2h, 1d from now', end)
    .action((reason: string, flags: { until?: string }) =>
      order(context(), 'POST', '/intake/pause', { reason, ...flags }),
    );
  admin
    .command('resume')
    .description('take new uploads again')
    .action(() => order(context(), 'POST', '/intake/resume', {}));
  admin
    .command('notice')
    .description('tell users something, such as a maintenance; replaces what they were told before')
    .argument('[text]', 'at most 500 characters: everybody can read it')
    .addOption(new Option('--level <level>', 'how urgent it is').choices(['info', 'warning']))
    .option('--from <time>', 'when it is shown first', end)
    .option('--until <time>', 'when it is shown last', end)
    .option('--clear', 'tell them nothing any more')
    .action((text: string | undefined, flags: NoticeFlags) => noticeCommand(context(), text, flags));
  admin
    .command('adopt')
    .description('take over the buckets of another deployment, which works on them no longer')
    .requiredOption('--from <deployment>', 'the deployment that the buckets belong to')
    .action(({ from }: { from: string }) => order(context(), 'POST', '/deployment/adopt', { from }));
}

/** `fileshare admin notice TEXT` or `--clear` */
async function noticeCommand(
  context: Context,
  text: string | undefined,
  { clear, ...flags }: NoticeFlags,
): Promise<void> {
  if ((clear === true) === (text !== undefined)) throw new UsageError('Give a text, or say --clear.');
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
