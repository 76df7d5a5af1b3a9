/** A line of ClamAV's table of types: where what bytes stand. */
interface KnownBytes {
  readonly line: string;
  /** Matches a file that has them there, as latin1. */
  readonly pattern: RegExp;
}

/**
 * The beginnings in a table of types: lines `kind:offset:bytes:name:required type:type`, whose offsets are `n`, `n,range`,
 * `EOF-n` or `*`, and whose bytes are those of a signature: hexadecimal digits, `?`, `(a|b)`, `{n}`, `{-n}`, `{n-m}` and `*`.
 *
 * @throws if there is something else in a line
 */
export function knownBytes(table: string): readonly KnownBytes[] {
  return table
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, offset = '', bytes = ''] = line.split(':');
      return { line, pattern: new RegExp(startOf(offset) + patternOf(bytes), 's') };
    });
}

function startOf(offset: string): string {
  if (offset === '*') return '';
  const [, fromEnd, start, range] = /^(?:EOF-(\d+)|(\d+)(?:,(\d+))?)$/.exec(offset) ?? [];
  if (fromEnd !== undefined) return `(?=.{${fromEnd}}$)`;
  if (start === undefined) throw new Error(`no offset: ${offset}`);
  return `^.{${start},${Number(start) + Number(range ?? 0)}}`;
}

function patternOf(bytes: string): string {
  const rest = bytes.replaceAll(/[0-9a-f?]{2}|\{(\d*)(-?)(\d*)\}|[(|)*]/gi, '');
  if (rest !== '') throw new Error(`no bytes: ${bytes}`);
  return bytes.replaceAll(/([0-9a-f?]{2})|\{(\d*)(-?)(\d*)\}|\*/gi, (part, byte, least, dash, most) => {
    if (part === '*') return '.*';
    if (byte === undefined) return `.{${least || 0},${dash ? most : least}}`;
    if (byte === '??') return '.';
    if (byte.endsWith('?')) return `[\\x${byte[0]}0-\\x${byte[0]}f]`;
    return `\\x${byte}`;
  });
}
