import { EICAR } from '../../shared/scanning/canary.ts';
import type { Program } from './programs.ts';

/** The content that a case is built around: the development signatures find it at any offset. */
export const MARKER = EICAR;

const FILLER = 'The discharge letter of a patient who does not exist.\n'.repeat(8);
/** A text that holds the marker, as every fixture does, and which packers can make smaller. */
export const TEXT = Buffer.concat([
  Buffer.from(FILLER),
  MARKER,
  Buffer.from(`\n${'No known allergies, no known medication, nothing to see.\n'.repeat(8)}`),
]);
/** One without. */
export const HARMLESS = Buffer.from(FILLER);

/** A file with the marker somewhere inside, which some ordinary program gets at. */
export interface Case {
  readonly kind: Kind;
  readonly name: string;
  /** Programs of which at least one gets at the marker without repair, by turns where one opens what another found. */
  readonly opensWith: readonly Program[];
  /** The verdict that it must have: `infected` where ClamAV can look, `unscannable` where it cannot. */
  readonly expected: 'infected' | 'unscannable';
  bytes(): Buffer;
}

export type Kind =
  | 'archive'
  | 'compressor'
  | 'document'
  | 'encoding'
  | 'image of a disk'
  | 'installer'
  | 'magic number'
  | 'mail'
  | 'malformed'
  | 'medical'
  | 'polyglot'
  | 'script and HTML';

/** Cases of one kind, by name: bytes, or a function that makes them. The expectation may go by the name. */
export function casesOf(
  kind: Kind,
  expected: Case['expected'] | ((name: string) => Case['expected']),
  opensWith: readonly Program[],
  files: Readonly<Record<string, Buffer | (() => Buffer)>>,
): readonly Case[] {
  return Object.entries(files).map(([name, file]) => ({
    kind,
    name,
    opensWith,
    expected: typeof expected === 'function' ? expected(name) : expected,
    bytes: () => (typeof file === 'function' ? file() : file),
  }));
}

/** Matcher for `casesOf`: unscannable are those of these names, also within a zip, and all others infected. */
export function infectedBut(names: readonly string[]): (name: string) => Case['expected'] {
  return (name) => (names.includes(name.replace(/, in a zip$/, '')) ? 'unscannable' : 'infected');
}
