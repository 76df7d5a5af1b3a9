import type { Dashboard, Scorecard, Tile, XyChart } from './dashboard.ts';
import type { Line, Range } from './prometheus.ts';

/** CSS pixels of a column and of a row of the mosaic. */
const [COLUMN, ROW] = [30, 17];
const GAP = 5;
const COLOURS = ['#1a66c2', '#c2410c', '#15803d', '#7e22ce', '#0e7490', '#a16207', '#be185d', '#475569'];
const STATES = { none: '#ffffff', YELLOW: '#fef3c7', RED: '#fee2e2' } as const;

/** Lines of each query of a tile. */
export type Drawn = readonly { readonly tile: Tile; readonly answers: readonly (readonly Line[])[] }[];

/** A page with every tile where the mosaic has it, with its title, lines, legends and thresholds. */
export function drawing({ displayName }: Dashboard, drawn: Drawn, range: Range, caption: string): string {
  const height = Math.max(...drawn.map(({ tile }) => tile.yPos + tile.height)) * ROW;
  const tiles = drawn.map(({ tile, answers }) => {
    const { xyChart, scorecard, title } = tile.widget;
    const size = { width: tile.width * COLUMN - GAP, height: tile.height * ROW - GAP };
    const place = `translate(${tile.xPos * COLUMN} ${tile.yPos * ROW + 60})`;
    const inside = xyChart
      ? chart(xyChart, answers, range, size)
      : scorecard
        ? card(scorecard, answers[0] ?? [], range, size)
        : '';
    return `<g transform="${place}">${inside}<text x="12" y="20" font-weight="600">${escaped(title)}</text></g>`;
  });
  return `<!doctype html><meta charset="utf-8"><body style="margin:0"><svg xmlns="http://www.w3.org/2000/svg" width="1445" height="${height + 65}"
    font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#f1f3f4"/>
    <text x="8" y="24" font-size="18" font-weight="600">${escaped(displayName)}</text><text x="8" y="46" fill="#475569">${escaped(caption)}</text>
    <g transform="translate(5 0)">${tiles.join('\n')}</g></svg>`;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

function frame({ width, height }: Size, fill: string): string {
  return `<rect width="${width}" height="${height}" rx="4" fill="${fill}" stroke="#dadce0"/>`;
}

function card(
  { thresholds, timeSeriesQuery }: Scorecard,
  lines: readonly Line[],
  range: Range,
  size: Size,
): string {
  const last = lines[0]?.points.at(-1)?.[1];
  const crossed = thresholds.filter(({ value }) => last !== undefined && last > value);
  const state = crossed.some(({ color }) => color === 'RED') ? 'RED' : (crossed[0]?.color ?? 'none');
  const most = Math.max(1e-9, ...valuesOf(lines));
  const spark = lines.slice(0, 1).map((line) =>
    polyline(
      line,
      COLOURS[0],
      (at) => across(at, range, 12, size.width - 24),
      (value) => size.height - 10 - (value / most) * 34,
    ),
  );
  const shown = last === undefined ? 'No data' : formatted(last, timeSeriesQuery.unitOverride);
  return `${frame(size, STATES[state])}<text x="12" y="62" font-size="30">${shown}</text>${spark.join('')}`;
}

function chart(
  { dataSets, thresholds }: XyChart,
  answers: readonly (readonly Line[])[],
  range: Range,
  size: Size,
): string {
  const [left, top, bottom] = [50, 34, size.height - 58];
  const right = size.width - 50;
  const axes = (['Y1', 'Y2'] as const).map((axis) => {
    const values = answers.filter((_, at) => dataSets[at]?.targetAxis === axis).flatMap(valuesOf);
    const limits = thresholds.filter(({ targetAxis }) => targetAxis === axis).map(({ value }) => value);
    const most = Math.max(1e-9, ...values, ...limits) * 1.08;
    return { axis, most, y: (value: number) => bottom - (value / most) * (bottom - top) };
  });
  const [y1, y2] = axes;
  if (!y1 || !y2) throw new Error('unreachable');
  const yOf = (axis: 'Y1' | 'Y2') => (axis === 'Y1' ? y1.y : y2.y);
  const unitOf = (axis: 'Y1' | 'Y2') =>
    dataSets.find(({ targetAxis }) => targetAxis === axis)?.timeSeriesQuery.unitOverride;
  const x = (at: number) => across(at, range, left, right - left);
  const ticks = axes.flatMap(({ axis, most, y }) => {
    const unit = unitOf(axis);
    const [place, anchor] = axis === 'Y1' ? [left - 6, 'end'] : [right + 6, 'start'];
    return unit === undefined
      ? []
      : [0, 0.5, 1].map(
          (share) =>
            `<text x="${place}" y="${y((share * most) / 1.08) + 4}" text-anchor="${anchor}" font-size="10">${formatted((share * most) / 1.08, unit)}</text>`,
        );
  });
  const hours = hoursOf(range).map(
    (at) =>
      `<line x1="${x(at)}" x2="${x(at)}" y1="${top}" y2="${bottom}" stroke="#e8eaed"/><text x="${x(at)}" y="${bottom + 14}" text-anchor="middle" font-size="10">${new Date(at * 1000).toISOString().slice(11, 16)}</text>`,
  );
  const limits = thresholds.map(
    ({ value, label, targetAxis }) =>
      `<line x1="${left}" x2="${right}" y1="${yOf(targetAxis)(value)}" y2="${yOf(targetAxis)(value)}" stroke="#b91c1c" stroke-dasharray="5 4"/><text x="${left + 4}" y="${yOf(targetAxis)(value) - 3}" fill="#b91c1c" font-size="10">${escaped(label)}: ${formatted(value, unitOf(targetAxis) ?? '1')}</text>`,
  );
  const named = answers.flatMap((lines, at) =>
    lines.map((line) => ({
      line,
      axis: dataSets[at]?.targetAxis ?? 'Y1',
      name: dataSets[at]?.legendTemplate ?? Object.values(line.labels).join(', '),
    })),
  );
  const drawn = named.map(({ line, axis }, at) => polyline(line, COLOURS[at % COLOURS.length], x, yOf(axis)));
  return [
    frame(size, '#ffffff'),
    ...hours,
    `<line x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}" stroke="#80868b"/>`,
    ...ticks,
    ...limits,
    ...drawn,
    legend(
      named.map(({ name }) => name),
      size,
    ),
  ].join('');
}

/** Names of the lines in their colours, in two rows at most. */
function legend(names: readonly string[], { width, height }: Size): string {
  const columns = Math.max(3, Math.ceil(names.length / 2));
  const each = (width - 24) / columns;
  return names
    .map((name, at) => {
      const [px, py] = [12 + (at % columns) * each, height - 24 + Math.floor(at / columns) * 15];
      const most = Math.floor((each - 14) / 5.2);
      const short = name.length > most ? `${name.slice(0, most - 1)}…` : name;
      return `<rect x="${px}" y="${py - 8}" width="9" height="9" fill="${COLOURS[at % COLOURS.length]}"/><text x="${px + 12}" y="${py}" font-size="10">${escaped(short)}</text>`;
    })
    .join('');
}

const valuesOf = (lines: readonly Line[]): number[] =>
  lines.flatMap(({ points }) => points.map(([, value]) => value));

const across = (at: number, { start, end }: Range, left: number, width: number): number =>
  Math.round((left + ((at - start) / (end - start)) * width) * 10) / 10;

/** A line is interrupted where there are no values. */
function polyline(
  { points }: Line,
  colour: string | undefined,
  x: (at: number) => number,
  y: (value: number) => number,
): string {
  const path = points.map(([at, value], index) => {
    const before = points[index - 1]?.[0];
    const isNext = before !== undefined && at - before <= 300;
    return `${isNext ? 'L' : 'M'}${x(at)} ${Math.round(y(value) * 10) / 10}`;
  });
  return `<path d="${path.join('')}" fill="none" stroke="${colour}" stroke-width="1.6"/>`;
}

function hoursOf({ start, end }: Range): readonly number[] {
  const first = Math.ceil(start / 3600) * 3600;
  return Array.from({ length: Math.floor((end - first) / 3600) + 1 }, (_, at) => first + at * 3600);
}

function formatted(value: number, unit: string): string {
  const short = (number: number) => String(Number(number.toPrecision(number >= 100 ? 3 : 2)));
  if (unit === 's') {
    if (value < 120) return `${short(value)} s`;
    return value < 7200 ? `${short(value / 60)} min` : `${short(value / 3600)} h`;
  }
  if (unit === 'ms') return value < 1_000 ? `${short(value)} ms` : `${short(value / 1000)} s`;
  return value >= 10_000 ? `${short(value / 1000)}k` : short(value);
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
