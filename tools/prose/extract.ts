import { parseSync } from 'oxc-parser';
import { isScalar, parseDocument, visit } from 'yaml';
import type { Passage } from './passage.ts';

const TITLE =
  /(?<=^[ \t]*|\) )(?:it|describe|context)(?:\.only|\.skip)?\(\s*(?:'((?:\\.|[^'\\\n])*)'|`((?:\\.|[^`\\])*)`)/gm;
const STRING = /'((?:\\.|[^'\\\n])*)'|`((?:\\.|[^`\\])*)`/g;
const TF_DESCRIPTION = /^\s*(?:description|error_message)\s*=\s*"((?:\\.|[^"\\])*)"/gm;

/** @returns the text in a file that people read; none for a type of file that is not known */
export function passagesOf(file: string, read: () => string): Passage[] {
  if (/\.md$/.test(file)) return markdown(file, read());
  if (/\.(?:ts|mjs|cjs)$/.test(file)) {
    const source = read();
    return [...comments(file, source), ...titles(file, source), ...messages(file, source)];
  }
  if (/\.(?:sh|tf)$|^\.ci\/run$/.test(file)) {
    const source = read();
    return [...hashComments(file, source), ...descriptions(file, source)];
  }
  if (/openapi\.yaml$/.test(file)) {
    const source = read();
    return [...hashComments(file, source), ...contract(file, source)];
  }
  return [];
}

function markdown(file: string, source: string): Passage[] {
  const found: Passage[] = [];
  let block: { line: number; lines: string[] } | undefined;
  let fence: string | undefined;
  const add = (kind: Passage['kind'], line: number, text: string) => {
    const plain = withoutMarkup(text);
    if (plain !== '') found.push({ file, line, kind, text: plain });
  };
  const end = () => {
    if (block) add('paragraph', block.line, block.lines.join(' '));
    block = undefined;
  };
  for (const [at, raw] of source.split('\n').entries()) {
    const line = raw.trim();
    const marker = /^(?:```|~~~)/.exec(line)?.[0];
    if (marker && (fence === undefined || fence === marker)) {
      end();
      fence = fence === undefined ? marker : undefined;
    } else if (fence !== undefined) {
      // Code is not prose.
    } else if (/^#+ /.test(line)) {
      end();
      add('heading', at + 1, line.replace(/^#+ /, ''));
    } else if (line.startsWith('|')) {
      end();
      for (const cell of line.split(/(?<!\\)\|/)) add('paragraph', at + 1, cell);
    } else if (line === '') {
      end();
    } else {
      const item = /^(?:[-*]|\d+\.) +(.*)$/.exec(line);
      if (item) end();
      block ??= { line: at + 1, lines: [] };
      block.lines.push(item?.[1] ?? line.replace(/^> ?/, ''));
    }
  }
  end();
  return found;
}

function comments(file: string, source: string): Passage[] {
  const lineAt = lineCounter(source);
  const found: Passage[] = [];
  let run: { line: number; last: number; text: string } | undefined;
  const end = () => {
    if (run) found.push({ file, line: run.line, kind: 'comment', text: withoutMarkup(run.text) });
    run = undefined;
  };
  for (const { type, value, start } of parseSync(file, source).comments) {
    const line = lineAt(start);
    if (type === 'Line') {
      if (run && run.last === line - 1) {
        run.text += ` ${value.trim()}`;
        run.last = line;
        continue;
      }
      end();
      run = { line, last: line, text: value.trim() };
      continue;
    }
    end();
    if (value.startsWith('*')) found.push(...docComment(file, line, value.slice(1)));
    else found.push({ file, line, kind: 'comment', text: withoutMarkup(value.replaceAll(/\n\s*\*?/g, ' ')) });
  }
  end();
  return found;
}

/** The first passage is the summary; each tag and each further paragraph is one more, of kind `comment`. */
function docComment(file: string, line: number, value: string): Passage[] {
  const lines = value.split('\n').map((text) => text.replace(/^\s*\*? ?/, '').trim());
  const paragraphs: { line: number; lines: string[] }[] = [];
  let open = false;
  for (const [at, text] of lines.entries()) {
    const starts = /^(?:@|[-*] |\d+\. )/.test(text);
    if (text === '') open = false;
    else if (!open || starts) {
      open = true;
      paragraphs.push({ line: line + at, lines: [text.replace(/^[-*] /, '')] });
    } else paragraphs.at(-1)?.lines.push(text);
  }
  return paragraphs.map(({ line: first, lines: own }, at) => {
    const text = own.join(' ');
    const body = text.replace(/^@(?:param|property|template) \S+ ?|^@\w+ ?/, '');
    const kind = at === 0 && !text.startsWith('@') ? 'doc comment' : 'comment';
    return { file, line: first, kind, text: withoutMarkup(body) };
  });
}

function titles(file: string, source: string): Passage[] {
  if (!/\.(?:test|suite)\.ts$|^test\//.test(file)) return [];
  const lineAt = lineCounter(source);
  return [...source.matchAll(TITLE)].map((match) => ({
    file,
    line: lineAt(match.index),
    kind: 'title' as const,
    text: withoutMarkup(
      (match[1] ?? match[2] ?? '').replaceAll(/\\(.)/g, '$1').replaceAll(/\$\{[^}]*\}/g, 'CODE'),
    ),
  }));
}

/** Strings of the product that hold at least three words: problems, log messages, help texts, errors. */
function messages(file: string, source: string): Passage[] {
  if (!/^(?:functions|shared|infra|client)\//.test(file)) return [];
  const lineAt = lineCounter(source);
  let code = source;
  for (const { start, end } of parseSync(file, source).comments) {
    code = code.slice(0, start) + ' '.repeat(end - start) + code.slice(end);
  }
  return [...code.matchAll(STRING)].flatMap((match) => {
    const text = (match[1] ?? match[2] ?? '').replaceAll(/\$\{[^}]*\}/g, 'CODE').replaceAll(/\\(.)/g, '$1');
    if (!/^\p{L}[^<>{}=]*$/u.test(text) || text.split(' ').length < 3) return [];
    return [{ file, line: lineAt(match.index), kind: 'message' as const, text: withoutMarkup(text) }];
  });
}

function hashComments(file: string, source: string): Passage[] {
  const found: Passage[] = [];
  let run: { line: number; lines: string[] } | undefined;
  const end = () => {
    if (run) found.push({ file, line: run.line, kind: 'comment', text: withoutMarkup(run.lines.join(' ')) });
    run = undefined;
  };
  for (const [at, raw] of source.split('\n').entries()) {
    const text = /^\s*#(?!!)\s?(.*)$/.exec(raw)?.[1];
    if (text === undefined || text.trim() === '') end();
    else {
      run ??= { line: at + 1, lines: [] };
      run.lines.push(text.trim());
    }
  }
  end();
  return found;
}

function descriptions(file: string, source: string): Passage[] {
  const lineAt = lineCounter(source);
  return [...source.matchAll(TF_DESCRIPTION)].map((match) => ({
    file,
    line: lineAt(match.index),
    kind: 'description' as const,
    text: withoutMarkup((match[1] ?? '').replaceAll('\\"', '"')),
  }));
}

function contract(file: string, source: string): Passage[] {
  const found: Passage[] = [];
  const lineAt = lineCounter(source);
  visit(parseDocument(source), {
    Pair(_, { key, value }) {
      const isText = isScalar(key) && /^(?:description|summary|title)$/.test(String(key.value));
      if (!isText || !isScalar(value) || typeof value.value !== 'string') return;
      const line = lineAt(value.range?.[0] ?? 0);
      for (const { text, ...place } of markdown(file, value.value)) {
        found.push({ ...place, line: line + place.line - 1, kind: 'description', text });
      }
    },
  });
  return found;
}

function withoutMarkup(text: string): string {
  return text
    .replaceAll(/`[^`]+`/g, 'CODE')
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/\{@link (\S+?)\}/g, 'CODE')
    .replaceAll(/\*\*|__|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

function lineCounter(source: string): (offset: number) => number {
  const starts = [0];
  for (let at = source.indexOf('\n'); at >= 0; at = source.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}
