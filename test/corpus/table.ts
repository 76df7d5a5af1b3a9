import type { Case } from './case.ts';

export interface Result {
  readonly kind: Case['kind'];
  readonly name: string;
  readonly verdict: 'clean' | 'infected' | 'unscannable';
}

/** Cases and verdicts by kind, as text. */
export function tableOf(results: readonly Result[]): string {
  const kinds = [...new Set(results.map(({ kind }) => kind))].toSorted();
  const row = (name: string, of: readonly Result[]) => {
    const count = (verdict: Result['verdict']) => of.filter((result) => result.verdict === verdict).length;
    const numbers = [of.length, count('infected'), count('unscannable'), count('clean')];
    return name.padEnd(20) + numbers.map((number) => String(number).padStart(12)).join('');
  };
  const head =
    'kind'.padEnd(20) +
    ['cases', 'infected', 'unscannable', 'clean'].map((word) => word.padStart(12)).join('');
  const rows = kinds.map((kind) =>
    row(
      kind,
      results.filter((result) => result.kind === kind),
    ),
  );
  return [head, ...rows, row('all', results)].join('\n');
}
