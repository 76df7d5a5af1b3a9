import { column, table } from '../../infra/local/cli/table.ts';

/** One kind of fault, and what became of the service under it. */
export interface Row {
  readonly fault: string;
  /** Times it struck, as counted where it struck. */
  readonly injected: number;
  /** States of files and answers to clients, with how many there were. */
  readonly outcome: ReadonlyMap<string, number>;
  /** Which invariant did not hold, and how; empty where all did. */
  readonly violations: readonly string[];
}

const rows = new Map<string, Row>();

/** Adds a trial to the report; trials of the same fault share a row. */
export function report(row: Row): void {
  const before = rows.get(row.fault);
  const outcome = new Map(before?.outcome);
  for (const [what, count] of row.outcome) outcome.set(what, (outcome.get(what) ?? 0) + count);
  rows.set(row.fault, {
    fault: row.fault,
    injected: (before?.injected ?? 0) + row.injected,
    outcome,
    violations: [...(before?.violations ?? []), ...row.violations],
  });
}

const COLUMNS = [
  column<Row>('fault', ({ fault }) => fault),
  column<Row>('injected', ({ injected }) => String(injected), 'right'),
  column<Row>('outcome', ({ outcome }) => [...outcome].map(([what, count]) => `${count} ${what}`).join(', ')),
  column<Row>('invariants held', ({ violations }) => (violations.length === 0 ? 'all' : 'VIOLATED')),
];

// At the root level, so that it runs after the last of all suites.
after(() => {
  if (rows.size === 0) return;
  const all = [...rows.values()];
  const injected = all.reduce((sum, row) => sum + row.injected, 0);
  const violations = all.flatMap((row) => row.violations.map((what) => `${row.fault}: ${what}`));
  console.log(`\n${table(COLUMNS, all)}\n`);
  console.log(`${injected} faults injected, ${violations.length} violations of an invariant`);
  for (const violation of violations) console.log(`  ${violation}`);
});
