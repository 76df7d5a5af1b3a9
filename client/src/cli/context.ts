import { readFile } from 'node:fs/promises';
import { Fileshare } from '../fileshare.ts';
import type { Handle } from '../handle.ts';
import { FolderUploadStore } from '../node.ts';
import { type ExitCode, UsageError } from './exit.ts';

/** Options that every command has. */
export interface Common {
  readonly url?: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** What a command works with. Results go to stdout, everything else to stderr. */
export interface Context {
  readonly common: Common;
  readonly env: NodeJS.ProcessEnv;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
  readonly exit: (code: ExitCode) => void;
}

export const DEFAULT_URL = 'http://127.0.0.1:8080';

/** @throws {UsageError} where there is nothing to connect with */
export function connect(context: Context): Fileshare {
  return new Fileshare({ url: urlOf(context), token: tokenOf(context), store: new FolderUploadStore() });
}

/** @throws {UsageError} */
export function urlOf({ common, env }: Context): string {
  const url = common.url ?? (env['FILESHARE_URL'] || DEFAULT_URL);
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url;
  throw new UsageError(`${url} is not a URL. Set FILESHARE_URL, or say --url https://…`);
}

/** A file is read before each request: whoever renews it keeps a long upload going. */
function tokenOf({ common, env }: Context): string | (() => Promise<string>) {
  const file = common.tokenFile ?? (env['FILESHARE_TOKEN'] ? undefined : env['FILESHARE_TOKEN_FILE']);
  if (file) return () => readFile(file, 'utf8');
  if (env['FILESHARE_TOKEN']) return env['FILESHARE_TOKEN'];
  throw new UsageError(
    'There is no token. Set FILESHARE_TOKEN, or FILESHARE_TOKEN_FILE to a file with it. ' +
      'With `npm start`: export FILESHARE_TOKEN=$(fileshare token)',
  );
}

/** A result: JSON on a line of its own for programs, `text` for people. */
export function print({ common }: Context, value: unknown, text: string): void {
  process.stdout.write(`${common.json ? JSON.stringify(value) : text}\n`);
}

/** A word to the person at the terminal. */
export function say({ common }: Context, text: string): void {
  if (!common.quiet) process.stderr.write(`${text}\n`);
}

/** One line about a file. Names come from others: what could command a terminal is left out. */
export function line(handle: Handle): string {
  const { id, state, size, fileName, signature, reason } = handle;
  const why = signature ?? reason;
  const sized = size === undefined ? '' : bytes(size);
  return [state.padEnd(11), id, sized.padStart(9), harmless(fileName ?? ''), why && `(${harmless(why)})`]
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
