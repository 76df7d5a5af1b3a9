import { invalid } from './status.ts';

/** A token of the filter language. `text` is the decoded value of a string literal. */
export interface Token {
  readonly kind: 'word' | 'string' | 'symbol' | 'end';
  readonly text: string;
}

const space = /\s+/y;
const symbol = /!=|[():=.,]/y;
const minus = /-/y;
const word = /[\p{L}\p{N}_][\p{L}\p{N}_-]*/uy;
const literal = /"((?:[^"\\\n]|\\[^\n])*)"/y;
const escapeSequence = /\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|([0-7]{1,3})|(.))/gsu;
const singles: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
  '?': '?',
  '`': '`',
};

/** Splits a filter into tokens. Throws INVALID_ARGUMENT at the first character that starts none. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (!match) return undefined;
    at = pattern.lastIndex;
    return match[1] ?? match[0];
  };
  while (at < source.length) {
    if (take(space) !== undefined) continue;
    const start = at;
    const quoted = take(literal);
    if (quoted !== undefined) {
      tokens.push({ kind: 'string', text: unquote(quoted) });
      continue;
    }
    const mark = take(symbol) ?? take(minus);
    const text = mark ?? take(word);
    if (text === undefined) throw invalid(`Invalid filter: unexpected character at position ${start}`);
    tokens.push({ kind: mark === undefined ? 'word' : 'symbol', text });
  }
  return [...tokens, { kind: 'end', text: 'end of filter' }];
}

function unquote(body: string): string {
  return body.replace(escapeSequence, (sequence, ...groups: string[]) => {
    const [u4, u8, hex, octal, single] = groups;
    const code = u4 ?? u8 ?? hex;
    if (code !== undefined) return codePoint(Number.parseInt(code, 16), sequence);
    if (octal !== undefined) return codePoint(Number.parseInt(octal, 8), sequence);
    const plain = singles[single ?? ''];
    if (plain === undefined) throw invalid(`Invalid filter: unknown escape ${sequence}`);
    return plain;
  });
}

function codePoint(value: number, sequence: string): string {
  if (value > 0x10ffff) throw invalid(`Invalid filter: ${sequence} is no Unicode character`);
  return String.fromCodePoint(value);
}
