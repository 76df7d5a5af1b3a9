import { byId } from '../element.ts';
import { nameIn } from './visitor.ts';

/** States of a row that no waiting changes. */
const ENDS: ReadonlySet<string> = new Set([
  'Clean',
  'Infected',
  'Unscannable',
  'Failed',
  'Refused',
  'Interrupted',
  'Expired',
  'Deleted',
  'Not found',
  'Not known',
]);

/** Why a row is not, and does not become, in that state; or why the last action on it was refused. */
export function troubleIn(row: HTMLElement | null, wanted: string): string | undefined {
  const { state = '' } = row?.dataset ?? {};
  if (!row || row.querySelector('[aria-busy="true"]')) return undefined;
  const note = noteOf(row);
  if (!ENDS.has(state) || (state === wanted && !note.includes('Refused.'))) return undefined;
  const released = row.querySelector('.why')?.textContent ?? '';
  return [`${nameIn(row)?.textContent}: ${state}.`, note || released].filter(Boolean).join(' ');
}

export function noteIn(row: HTMLElement | null): Element | null {
  return row?.querySelector('.note') ?? null;
}

export function noteOf(row: HTMLElement | null): string {
  return noteIn(row)?.textContent ?? '';
}

export function listingProblem(): string | undefined {
  const problem = byId('problem', HTMLElement);
  return problem.hidden ? undefined : problem.textContent;
}
