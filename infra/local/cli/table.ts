/** One column of a table for the terminal. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  readonly align: 'left' | 'right';
}

export function column<Row>(
  title: string,
  cell: (row: Row) => string,
  align: 'left' | 'right' = 'left',
): Column<Row> {
  return { title, cell, align };
}

/** Lines of equal columns, two spaces apart, under their titles. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ cell }) => cell(row))),
  ];
  const widths = columns.map((_, at) => Math.max(...cells.map((line) => line[at]?.length ?? 0)));
  return cells
    .map((line) => line.map((cell, at) => pad(cell, widths[at] ?? 0, columns[at]?.align)).join('  '))
    .map((line) => line.trimEnd())
    .join('\n');
}

function pad(cell: string, width: number, align: 'left' | 'right' | undefined): string {
  return align === 'right' ? cell.padStart(width) : cell.padEnd(width);
}
