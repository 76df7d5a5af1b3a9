import { InvalidArgumentError } from 'commander';

export function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value < 1e9) return value;
  throw new InvalidArgumentError('It should be a number of seconds.');
}

export function count(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It should be a whole number, 1 or more.');
}

export function append(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** @returns RFC 3339 */
export function time(text: string): string {
  const date = new Date(text);
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(date.getTime())) return date.toISOString();
  throw new InvalidArgumentError('It should be a date or time such as 2026-11-29 or 2026-11-29T08:00:00Z.');
}
