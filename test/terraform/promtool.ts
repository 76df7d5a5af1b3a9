import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** An alert by a query, as the module makes it. `lasts`: for how long the query has to hold, as `300s`. */
export interface Rule {
  readonly name: string;
  readonly query: string;
  readonly lasts: string;
}

/** A time series with a sample a minute, in the notation of promtool. */
export interface Series {
  readonly series: string;
  readonly values: string;
}

/** So many minutes with a number: of a counter its increase in a minute, of a gauge its value. */
export type Phase = readonly [minutes: number, number: number];

type Labels = Readonly<Record<string, string>>;

export interface Fired {
  readonly name: string;
  readonly labels?: Labels;
}

const selector = (metric: string, labels: Labels): string =>
  `${metric}{${Object.entries(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .join(',')}}`;

export function counter(metric: string, labels: Labels, phases: readonly Phase[]): Series {
  let value = 0;
  const steps = phases.map(([minutes, rate]) => {
    const from = value + rate;
    value += minutes * rate;
    return `${from}+${rate}x${minutes - 1}`;
  });
  return { series: selector(metric, labels), values: ['0', ...steps].join(' ') };
}

export function gauge(metric: string, labels: Labels, phases: readonly Phase[]): Series {
  const steps = phases.map(([minutes, value]) => `${value}+0x${minutes - 1}`);
  return { series: selector(metric, labels), values: [String(phases[0]?.[1] ?? 0), ...steps].join(' ') };
}

/** A distribution in which a value is seen so often a minute, as the series of a histogram. */
export function distribution(
  metric: string,
  labels: Labels,
  bounds: readonly number[],
  seen: readonly (readonly [minutes: number, value: number, aMinute: number])[],
): Series[] {
  const below = (bound: number): readonly Phase[] =>
    seen.map(([minutes, value, aMinute]) => [minutes, value <= bound ? aMinute : 0]);
  const all = below(Number.POSITIVE_INFINITY);
  return [
    ...bounds.map((bound) => counter(`${metric}_bucket`, { ...labels, le: String(bound) }, below(bound))),
    counter(`${metric}_bucket`, { ...labels, le: '+Inf' }, all),
    counter(`${metric}_count`, labels, all),
    counter(
      `${metric}_sum`,
      labels,
      seen.map(([minutes, value, aMinute]) => [minutes, value * aMinute]),
    ),
  ];
}

/** Whether this machine has promtool, of Prometheus. */
export function hasPromtool(): boolean {
  if (!spawnSync('promtool', ['--version']).error) return true;
  console.log('    SKIPPED: promtool is not installed (Debian: apt-get install prometheus)');
  return false;
}

/** An expression, and the values that it has for each set of labels. */
export interface Expression {
  readonly query: string;
  readonly values: readonly { readonly labels: Labels; readonly value: number }[];
}

/**
 * Evaluates expressions on series, after `minutes`.
 * @returns what promtool reports where one has other values; nothing otherwise
 */
export function evaluateExpressions(
  expressions: readonly Expression[],
  { series, minutes }: { series: readonly Series[]; minutes: number },
): string {
  const expected = expressions.map(({ query, values }) => ({
    expr: query,
    eval_time: `${minutes}m`,
    exp_samples: values.map(({ labels, value }) => ({ labels: selector('', labels), value })),
  }));
  return test({ rules: [], tests: [{ interval: '1m', input_series: series, promql_expr_test: expected }] });
}

/**
 * Evaluates rules on series, each minute from the first on.
 * @returns what promtool reports where other alerts than `fired` are raised after `minutes`; nothing otherwise
 */
export function evaluate(
  rules: readonly Rule[],
  { series, minutes, fired }: { series: readonly Series[]; minutes: number; fired: readonly Fired[] },
): string {
  const alerts = rules.map(({ name, query, lasts }) => ({ alert: name, expr: query, for: lasts }));
  const expected = rules.map(({ name }) => ({
    eval_time: `${minutes}m`,
    alertname: name,
    exp_alerts: fired.filter((one) => one.name === name).map(({ labels = {} }) => ({ exp_labels: labels })),
  }));
  return test({
    rules: alerts,
    tests: [{ interval: '1m', input_series: series, alert_rule_test: expected }],
  });
}

function test({
  rules,
  tests,
}: {
  readonly rules: readonly object[];
  readonly tests: readonly object[];
}): string {
  const folder = mkdtempSync(join(tmpdir(), 'fileshare-promtool-'));
  try {
    writeFileSync(join(folder, 'rules.json'), JSON.stringify({ groups: [{ name: 'alerts', rules }] }));
    const file = join(folder, 'test.json');
    writeFileSync(file, JSON.stringify({ rule_files: ['rules.json'], evaluation_interval: '1m', tests }));
    execFileSync('promtool', ['test', 'rules', file], { encoding: 'utf8', stdio: 'pipe' });
    return '';
  } catch (error) {
    return `${(error as { stdout?: string }).stdout}${(error as { stderr?: string }).stderr}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
