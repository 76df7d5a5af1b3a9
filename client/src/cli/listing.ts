import type { Handle, State } from '../handle.ts';
import { connect } from './connect.ts';
import { bytes, type Context, harmless } from './context.ts';
import { painted } from './paint.ts';

export const FORMATS = ['table', 'json', 'csv', 'ids'] as const;
type Format = (typeof FORMATS)[number];

export interface ListFlags {
  readonly state?: readonly State[];
  readonly limit?: number;
  readonly owner?: string;
  readonly shared?: true;
  readonly correlationId?: string;
  readonly format?: Format;
}

/** `fileshare ls`: each file is printed as it comes. */
export async function listCommand(context: Context, flags: ListFlags): Promise<void> {
  const { limit = Infinity, shared, format = formatOf(context), ...wanted } = flags;
  const columns = COLUMNS.filter(({ head }) => head !== 'OWNER' || shared || wanted.owner !== undefined);
  const options = { ...wanted, shared: shared && ('with-me' as const), signal: context.signal };
  let shown = 0;
  for await (const handle of connect(context).list(options)) {
    if (shown >= limit) return;
    if (shown++ === 0) write(header(format, columns));
    write(row(format, columns, handle));
  }
}

function formatOf({ common }: Context): Format {
  if (common.json) return 'json';
  return common.quiet ? 'ids' : 'table';
}

interface Column {
  readonly head: string;
  readonly width: number;
  readonly value: (handle: Handle) => string | number | undefined;
  /** The text of a table, where it is another. */
  readonly text?: (handle: Handle) => string;
}

/** Widths are fixed, so that no line waits for the last file; what is longer is not cut. */
const COLUMNS: readonly Column[] = [
  { head: 'ID', width: 43, value: ({ id }) => id },
  { head: 'STATE', width: 11, value: ({ state }) => state },
  {
    head: 'SIZE',
    width: 8,
    value: ({ size }) => size,
    text: ({ size }) => (size === undefined ? '-' : bytes(size)),
  },
  { head: 'DATE', width: 24, value: ({ createdAt }) => createdAt },
  { head: 'OWNER', width: 13, value: ({ owner }) => owner },
  { head: 'NAME', width: 24, value: ({ fileName }) => fileName, text: ({ fileName }) => fileName ?? '-' },
  // Why a file is infected, unscannable or failed.
  { head: 'WHY', width: 0, value: whyOf, text: (handle) => whyOf(handle) ?? '' },
];

function whyOf({ signature, reason }: Handle): string | undefined {
  return signature ?? reason;
}

function header(format: Format, columns: readonly Column[]): string | undefined {
  if (format === 'table')
    return columns
      .map(({ head, width }) => head.padEnd(width))
      .join('  ')
      .trimEnd();
  if (format === 'csv') return columns.map(({ head }) => head.toLowerCase()).join(',');
  return undefined;
}

function row(format: Format, columns: readonly Column[], handle: Handle): string {
  if (format === 'json') return JSON.stringify(handle);
  if (format === 'ids') return handle.id;
  if (format === 'csv') return columns.map(({ value }) => quoted(String(value(handle) ?? ''))).join(',');
  const texts = columns.map(({ head, width, value, text = (one) => String(value(one)) }) => {
    const padded = harmless(text(handle)).padEnd(width);
    return head === 'STATE' ? painted(handle.state, padded) : padded;
  });
  return texts.join('  ').trimEnd();
}

/** A field by RFC 4180. Names come from others: an apostrophe keeps a spreadsheet from computing them. */
function quoted(text: string): string {
  const field = harmless(text).replace(/^(?=\s*[=+\-@])/, "'");
  return /[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

function write(text: string | undefined): void {
  if (text !== undefined) process.stdout.write(`${text}\n`);
}
