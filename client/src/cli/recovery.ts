import type { Command } from 'commander';
import { ask } from './admin.ts';
import { type Context, type GetContext, harmless, print, say } from './context.ts';
import { EXIT, UsageError } from './exit.ts';
import { time } from './options.ts';

interface RestoreFlags {
  readonly file?: string;
  readonly owner?: string;
  readonly all?: true;
  readonly asOf?: string;
  readonly apply?: true;
  readonly overwrite?: true;
  readonly failLost?: true;
}

interface Report {
  readonly asOf: string;
  readonly files: Readonly<Record<string, number>>;
  readonly objects: Readonly<Record<string, number>>;
  readonly examples: readonly { readonly outcome: string; readonly fileId: string }[];
  readonly complete: boolean;
  readonly next?: object;
}

interface Export {
  readonly id: string;
  readonly ended?: string;
  readonly kind?: string;
  readonly objects?: number;
}

/** Adds the commands about exports. */
export function addRecovery(admin: Command, context: GetContext): void {
  admin
    .command('exports')
    .description('list the exports that a restore can use, newest first')
    .action(() => exportsCommand(context()));
  admin
    .command('restore')
    .description('show what a restore from an export would bring back; with --apply, restore it')
    .option('--file <id>', 'one file')
    .option('--owner <principal>', 'the files of one owner')
    .option('--all', 'everything')
    .option('--as-of <time>', 'use the last export before this time (RFC 3339); by default the newest', time)
    .option('--apply', 'write what is restored')
    .option('--overwrite', 'also replace what was written since the export, deletions included')
    .option('--fail-lost', 'restore files whose content is gone as failed, instead of leaving them out')
    .action((flags: RestoreFlags) => restoreCommand(context(), flags));
}

async function exportsCommand(context: Context): Promise<void> {
  const { items } = (await (await ask(context, '/exports', { method: 'GET' })).json()) as {
    items: readonly Export[];
  };
  for (const item of items) {
    const { id, ended = 'not whole', kind = '', objects = '' } = item;
    print(context, item, harmless(`${id}  ${ended.padEnd(24)}  ${kind.padEnd(9)}  ${objects}`.trimEnd()));
  }
}

async function restoreCommand(context: Context, flags: RestoreFlags): Promise<void> {
  const { file, owner, all, asOf, apply = false, overwrite = false, failLost } = flags;
  if ([file, owner, all].filter((scope) => scope !== undefined).length !== 1) {
    throw new UsageError('Use one of --file, --owner and --all.');
  }
  const scope = all ? 'all' : file === undefined ? { owner } : { file };
  const order = { scope, apply, overwrite, lost: failLost ? 'fail' : 'leave', ...(asOf && { asOf }) };
  let hasErrors = false;
  for (let next: object | undefined = {}; next; ) {
    const report = (await (await ask(context, '/restore', { json: { ...order, next } })).json()) as Report;
    hasErrors ||= report.files['error'] !== undefined || report.files['conflict'] !== undefined;
    print(context, report, explained(report));
    next = report.next;
  }
  if (!apply) say(context, 'Nothing was written. Add --apply to restore.');
  if (hasErrors) context.exit(EXIT.failed);
}

function explained({ asOf, files, objects, examples, complete }: Report): string {
  const counts = Object.entries({ ...files, ...objects }).map(([what, count]) => `${what} ${count}`);
  const shown = examples
    .filter(({ outcome }) => !['restored', 'unchanged', 'unknown'].includes(outcome))
    .map(({ outcome, fileId }) => `  ${fileId}  ${outcome}`);
  const total = `As of ${asOf}: ${counts.join(', ') || 'nothing'}${complete ? '' : ' so far'}`;
  return [total, ...shown].map(harmless).join('\n');
}
