import { isPossibleEnd, parseInstant } from '../files/ends.ts';
import { invalidRequest, Problem } from './problems.ts';

/**
 * The time at which a grant or a file is to end.
 * @param text undefined where the client sent none
 * @param name what the client calls it
 * @throws {Problem} where it is no time, or one that nothing can end at
 */
export function endOf(text: string, name: string, now: Date): Date;
export function endOf(text: string | undefined, name: string, now: Date): Date | undefined;
export function endOf(text: string | undefined, name: string, now: Date): Date | undefined {
  if (text === undefined) return undefined;
  const end = parseInstant(text);
  if (!end) {
    throw invalidRequest(`${name} should be a time with a zone (RFC 3339), such as 2026-12-31T23:59:59Z.`);
  }
  if (isPossibleEnd(end, now)) return end;
  const detail = `${name} should be in the future, and within 100 years. Leave it out for no end.`;
  throw new Problem('end-not-possible', { detail });
}
