import { type Finding, figure, outcomeOf, targetText } from '../finding.ts';
import type { Measured } from './table.ts';

const [ROW, LABEL, BAR, NUMBERS] = [24, 430, 360, 190];
/** Bars end here, in targets: a duplicate that is 500 times faster would leave nothing to see of the others. */
const LONGEST = 2;
const COLOURS = { met: '#2e7d32', missed: '#c62828', measured: '#616161' } as const;

/** Every finding that has a target, as a bar that begins at nothing and has its target at the line. */
export function chartOf(measured: readonly Measured[]): string {
  const findings = measured.flatMap((row) => row.findings).filter(({ target }) => target);
  const height = (findings.length + 2) * ROW;
  const line = LABEL + BAR / LONGEST;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${LABEL + BAR + NUMBERS}" height="${height}" ` +
      'font-family="sans-serif" font-size="12" role="img">',
    '<title>Measurements, in targets</title>',
    '<rect width="100%" height="100%" fill="#ffffff"/>',
    `<text x="${line}" y="16" text-anchor="middle">target</text>`,
    ...findings.map(barOf),
    `<line x1="${line}" y1="${ROW}" x2="${line}" y2="${height - ROW / 2}" stroke="#000000" stroke-dasharray="4 3"/>`,
    '</svg>\n',
  ].join('\n');
}

function barOf(finding: Finding, at: number): string {
  const y = (at + 1) * ROW;
  const length = (Math.min(inTargets(finding), LONGEST) / LONGEST) * BAR;
  const numbers = `${figure(finding.value)}${finding.unit} (${targetText(finding)})`;
  return [
    `<text x="${LABEL - 8}" y="${y + 16}" text-anchor="end">${escaped(finding.what)}</text>`,
    `<rect x="${LABEL}" y="${y + 4}" width="${Math.max(1, length).toFixed(1)}" height="${ROW - 8}" ` +
      `fill="${COLOURS[outcomeOf(finding)]}"/>`,
    `<text x="${LABEL + BAR + 8}" y="${y + 16}">${escaped(numbers)}</text>`,
  ].join('\n');
}

/** How many times its target a value is; with a target of nothing, that or too much. */
export function inTargets({ target, value }: Pick<Finding, 'target' | 'value'>): number {
  if (!target) return 0;
  const bound = 'atLeast' in target ? target.atLeast : target.atMost;
  if (bound === 0) return value > 0 ? LONGEST : 0;
  return Number.isFinite(value) ? value / bound : 0;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
