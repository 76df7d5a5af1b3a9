import { column, table } from '../../infra/local/cli/table.ts';
import { type Finding, figure, outcomeOf, targetText } from '../finding.ts';

/** The result of a row. */
export interface Measured {
  readonly name: string;
  readonly title: string;
  readonly findings: readonly Finding[];
}

const COLUMNS = [
  column<Finding>('', outcomeOf),
  column<Finding>('what', ({ what }) => what),
  column<Finding>('measured', ({ value, unit }) => figure(value) + unit, 'right'),
  column<Finding>('target', targetText, 'right'),
  column<Finding>('against', ({ against }) => against),
];

/** Table for the terminal: a line for each finding, and under it the numbers behind it. */
export function tableOf(measured: readonly Measured[]): string {
  const findings = measured.flatMap((row) => row.findings);
  const [head = '', ...lines] = table(COLUMNS, findings).split('\n');
  const told = lines.flatMap((line, at) => {
    const finding = findings[at];
    return [line, ...(finding ? notesOf(finding).map((note) => `            ${note}`) : [])];
  });
  return [head, ...told].join('\n');
}

/** Table for a document: the same. */
export function markdownOf(measured: readonly Measured[]): string {
  return measured
    .map(({ title, findings }) => `## ${title}\n\n${markdownTable(findings)}\n${pictures(findings)}`)
    .join('\n');
}

function pictures(findings: readonly Finding[]): string {
  return findings.map(({ what, picture }) => (picture ? `\n![${what}](${picture.name})\n` : '')).join('');
}

function markdownTable(findings: readonly Finding[]): string {
  const rows = findings.map((finding) => {
    const { what, against, value, unit } = finding;
    const outcome = outcomeOf(finding);
    const said = outcome === 'missed' ? '**missed**' : outcome;
    return [what, against, targetText(finding), figure(value) + unit, said, notesOf(finding).join('. ')];
  });
  const head = ['what', 'against', 'target', 'measured', '', 'numbers'];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Where a target is missed, also why it cannot be met. */
function notesOf(finding: Finding): readonly string[] {
  const { detail, limit } = finding;
  return outcomeOf(finding) === 'missed' && limit ? [detail, `The limit: ${limit}`] : [detail];
}
