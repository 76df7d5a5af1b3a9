const [WIDTH, HEIGHT, LEFT, BOTTOM] = [720, 300, 70, 50];
const COLOURS = ['#1565c0', '#ef6c00', '#2e7d32'] as const;
const TICKS = 5;

/** Values by the second. */
interface Series {
  readonly name: string;
  /** A second without one has that of the second before. */
  readonly values: readonly (number | undefined)[];
}

/** Lines over the seconds, from nothing up to `most`. */
export function progressChart(title: string, series: readonly Series[], most: number): string {
  const seconds = Math.max(1, ...series.map(({ values }) => values.length));
  const x = (second: number): string => (LEFT + (second / seconds) * (WIDTH - LEFT - 20)).toFixed(1);
  const y = (value: number): string => (HEIGHT - BOTTOM - (value / most) * (HEIGHT - BOTTOM - 40)).toFixed(1);
  const line = ({ values }: Series): string => {
    let last = 0;
    const points = Array.from(values, (value, second) => {
      last = value ?? last;
      return `${x(second + 1)},${y(last)}`;
    });
    return [`${x(0)},${y(0)}`, ...points].join(' ');
  };
  const ticks = Array.from({ length: TICKS + 1 }, (_, at) => at / TICKS);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12" role="img">`,
    `<title>${title}</title>`,
    '<rect width="100%" height="100%" fill="#ffffff"/>',
    `<text x="${LEFT}" y="20">${title}</text>`,
    ...ticks.flatMap((share) => [
      `<text x="${LEFT - 8}" y="${y(share * most)}" text-anchor="end">${Math.round(share * most)}</text>`,
      `<text x="${x(share * seconds)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${Math.round(share * seconds)} s</text>`,
    ]),
    ...series.flatMap((one, at) => {
      const colour = COLOURS[at % COLOURS.length];
      return [
        `<polyline points="${line(one)}" fill="none" stroke="${colour}" stroke-width="2"/>`,
        `<text x="${LEFT + at * 260}" y="${HEIGHT - 10}" fill="${colour}">${one.name}</text>`,
      ];
    }),
    '</svg>\n',
  ].join('\n');
}
