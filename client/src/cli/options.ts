import { InvalidArgumentError } from 'commander';

export function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value < 1e9) return value;
  throw new InvalidArgumentError('It must be a number of seconds.');
}

export function count(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number of at least 1.');
}

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** A time, or so long from now. @returns RFC 3339 */
export function end(text: string): string {
  const [, count, unit] = /^([1-9]\d{0,4})([mhdw])$/.exec(text) ?? [];
  if (unit === undefined) return time(text);
  return new Date(Date.now() + Number(count) * UNITS[unit as keyof typeof UNITS]).toISOString();
}

export function append(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** @returns RFC 3339 */
export function time(text: string): string {
  const date = new Date(text);
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(date.getTime())) return date.toISOString();
  throw new InvalidArgumentError('It must be a date or time, such as 2026-11-29 or 2026-11-29T08:00:00Z.');
}
