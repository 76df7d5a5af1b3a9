/** The target of a value. */
type Target = { readonly atLeast: number } | { readonly atMost: number };

/** One line of the table. */
export interface Finding {
  readonly what: string;
  readonly against: string;
  /** Absent where the issue asks for the number and for no bound. */
  readonly target?: Target;
  /** The subject of the target. */
  readonly value: number;
  /** Unit of the value, such as `×` or ` ms`. */
  readonly unit: string;
  /** The numbers behind it, for a reader. */
  readonly detail: string;
  /** Where the time goes: shown where the target is missed. Measured in the same run. */
  readonly limit?: string;
  /** A chart of it, as a file beside the report. */
  readonly picture?: { readonly name: string; readonly svg: string };
}

export type Outcome = 'met' | 'missed' | 'measured';

/** A value that is none never meets a target. */
export function outcomeOf({ target, value }: Pick<Finding, 'target' | 'value'>): Outcome {
  if (!target) return 'measured';
  const holds = 'atLeast' in target ? value >= target.atLeast : value <= target.atMost;
  return holds ? 'met' : 'missed';
}

export function targetText({ target, unit }: Pick<Finding, 'target' | 'unit'>): string {
  if (!target) return '';
  return 'atLeast' in target ? `≥ ${target.atLeast}${unit}` : `≤ ${target.atMost}${unit}`;
}

/** Three digits that count, or all those before the point. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits);
}
