import type { Pending } from './provider.ts';
import type { Where } from './where.ts';

/** Keys of sessionStorage: what one tab remembers while it is at the issuer. There are no tokens in it. */
const PENDING = 'hops-fileshare:login';
const KNOWN = 'hops-fileshare:logged-in';

/** A login that this tab has begun. */
export interface Begun extends Pending {
  /** Whether the issuer was asked to show nothing. */
  readonly isSilent: boolean;
  /** The `sub` of the person who was logged in, and where they were. */
  readonly before?: { readonly subject: string; readonly where: Where };
}

export function begin(begun: Begun): void {
  sessionStorage.setItem(PENDING, JSON.stringify(begun));
}

/** The login that was begun, once: an answer that comes twice fits nothing. */
export function takeBegun(): Begun | undefined {
  const text = sessionStorage.getItem(PENDING);
  sessionStorage.removeItem(PENDING);
  return text === null ? undefined : (JSON.parse(text) as Begun);
}

/** Whether somebody was logged in in this tab, and has not logged out. */
export function isKnown(): boolean {
  return sessionStorage.getItem(KNOWN) !== null;
}

export function setKnown(known: boolean): void {
  if (known) sessionStorage.setItem(KNOWN, 'yes');
  else sessionStorage.removeItem(KNOWN);
}
