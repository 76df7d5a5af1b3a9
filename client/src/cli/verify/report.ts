import type { Check } from './check.ts';

export interface Result {
  readonly check: Check;
  readonly outcome: 'held' | 'not held' | 'not checked';
  readonly ms: number;
  readonly note?: string | undefined;
  readonly expected?: string;
  readonly got?: string;
  readonly look?: string;
}

const OUTCOME_WIDTH = 11;
const TIME_WIDTH = 9;

/** A line of the table, and below it what is to be known of a promise that is not held. */
export function rowOf({ check, outcome, ms, note, expected, got, look }: Result): string {
  const shown = outcome === 'not held' ? 'NOT HELD' : outcome;
  const time = outcome === 'not checked' ? '-' : `${(ms / 1000).toFixed(2)} s`;
  const row = `${shown.padEnd(OUTCOME_WIDTH)} ${time.padStart(TIME_WIDTH)}  ${check.promise}${note ? ` (${note})` : ''}`;
  const margin = ' '.repeat(OUTCOME_WIDTH + TIME_WIDTH + 3);
  const facts = [
    ['expected', expected],
    ['got', got],
    ['look at', look],
  ].flatMap(([name = '', text]) => (text ? [`${margin}${name.padEnd(8)}  ${text}`] : []));
  return [row, ...facts].join('\n');
}

export const HEADING = `${'outcome'.padEnd(OUTCOME_WIDTH)} ${'time'.padStart(TIME_WIDTH)}  promise`;

export function summaryOf(results: readonly Result[]): string {
  const count = (outcome: Result['outcome']) => results.filter((result) => result.outcome === outcome).length;
  const failed = results.filter(({ outcome }) => outcome === 'not held').map(({ check }) => check.id);
  const verdict =
    failed.length === 0 ? 'Every promise that was checked is held' : `Not held: ${failed.join(', ')}`;
  return `${verdict}. ${count('held')} held, ${count('not held')} not held, ${count('not checked')} not checked.`;
}

/** Report for programs. */
export function documentOf(results: readonly Result[], facts: Readonly<Record<string, unknown>>) {
  return {
    ...facts,
    held: results.every(({ outcome }) => outcome !== 'not held'),
    promises: results.map(({ check: { id, promise }, outcome, ms, ...rest }) => ({
      id,
      promise,
      outcome,
      ms: Math.round(ms),
      ...rest,
    })),
  };
}
