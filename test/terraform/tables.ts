import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { argumentOf, blocksOf } from './hcl.ts';
import { MODULE } from './tools.ts';

const read = (file: string): string => readFileSync(join(MODULE, file), 'utf8');

/** Inside a cell of a table. */
const cell = (text: string): string =>
  text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll(/ {2,}/g, ' ').trim();

/** The text of a string literal. */
const unquoted = (literal = '""'): string => JSON.parse(literal) as string;

function typeOf(expression = 'any'): string {
  const optional = expression.replaceAll(/optional\((.*)\)$/gm, (_, inner: string) => `optional(${inner})`);
  return `\`${cell(
    optional
      .replaceAll(/ {2,}/g, ' ')
      .replaceAll(/\{ *\n/g, '{ ')
      .replaceAll(/\n *\}/g, ' }')
      .replaceAll('\n', ', '),
  )}\``;
}

/** The inputs of the module, from variables.tf. */
export function inputTable(): string {
  const rows = blocksOf(read('variables.tf'), 'variable').map((block) => {
    const fallback = argumentOf(block, 'default');
    const need = fallback === undefined ? '**required**' : `\`${cell(fallback)}\``;
    return `| \`${block.labels[0]}\` | ${cell(unquoted(argumentOf(block, 'description')))} | ${typeOf(argumentOf(block, 'type'))} | ${need} |`;
  });
  return ['| name | description | type | default |', '|---|---|---|---|', ...rows].join('\n');
}

/** The outputs of the module, from outputs.tf. */
export function outputTable(): string {
  const rows = blocksOf(read('outputs.tf'), 'output').map(
    (block) => `| \`${block.labels[0]}\` | ${cell(unquoted(argumentOf(block, 'description')))} |`,
  );
  return ['| name | description |', '|---|---|', ...rows].join('\n');
}

/** Puts a table between `<!-- NAME -->` and `<!-- /NAME -->`. @throws {Error} where the marks are not there */
export function withTable(page: string, name: string, table: string): string {
  const marks = new RegExp(`(<!-- ${name} -->\\n)[\\s\\S]*?(\\n<!-- /${name} -->)`);
  if (!marks.test(page)) throw new Error(`there is no place for the table ${name}`);
  return page.replace(marks, (_, open: string, close: string) => open + table + close);
}
