import type { Handle } from '../handle.ts';
import type { Fetch } from '../send.ts';
import { type ExitCode, messageOf } from './exit.ts';
import { reportFailure } from './failure.ts';
import { painted } from './paint.ts';

/** Options that every command has. */
export interface Common {
  readonly url?: string;
  readonly uploadUrl?: string;
  readonly filesUrl?: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly profile?: string;
}

/** Dependencies of a command. Results go to stdout, everything else to stderr. */
export interface Context {
  readonly common: Common;
  readonly env: NodeJS.ProcessEnv;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
  readonly exit: (code: ExitCode) => void;
  /** Makes every request; tells of them with --verbose. */
  readonly fetch: Fetch;
}

/** Options are known only once the command line is parsed. */
export type GetContext = () => Context;

/** A result: JSON on a separate line for programs, `text` for people. */
export function print({ common }: Context, value: unknown, text: string): void {
  process.stdout.write(`${common.json ? JSON.stringify(value) : text}\n`);
}

/** A handle: JSON for programs, its id alone with --quiet. */
export function show(context: Context, handle: Handle): void {
  print(context, handle, context.common.quiet ? handle.id : line(handle));
}

/** Reports the failure of a part of a command, whose other parts continue. */
export function complain({ common }: Context, file: string, error: unknown, text = messageOf(error)): void {
  reportFailure(common.json ?? false, error, `${harmless(file)}: ${harmless(text)}`, file);
}

/** A word to the person at the terminal. */
export function say({ common }: Context, text: string): void {
  if (!common.quiet) process.stderr.write(`${text}\n`);
}

/** One line about a file. Names come from others: what could command a terminal is left out. */
export function line(handle: Handle): string {
  const { id, state, size, fileName, signature, reason, expiresAt, until } = handle;
  const why = signature ?? reason;
  const sized = size === undefined ? '' : bytes(size);
  return [
    painted(state, state.padEnd(11)),
    id,
    sized.padStart(9),
    harmless(fileName ?? ''),
    why && `(${harmless(why)})`,
    until && `yours until ${until}`,
    expiresAt && state !== 'deleted' ? `expires ${expiresAt}` : undefined,
  ]
    .filter((part) => part !== undefined && part !== '')
    .join('  ');
}

export function harmless(text: string): string {
  return text.replace(/\p{C}/gu, '');
}

export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  const value = count / 1000 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`;
}
