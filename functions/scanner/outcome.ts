import type { Refused } from './admission/admission.ts';

export type Outcome =
  /** The event is dealt with, whatever came of it. */
  | { readonly kind: 'done' }
  /** The event should come back: nothing was changed that a repeat would not find. */
  | { readonly kind: 'later'; readonly why: string; readonly retryAfterSeconds: number };

export function later({ refused }: Refused): Outcome {
  const why = refused === 'slots' ? 'all scan slots are taken' : 'temporary space is short';
  return { kind: 'later', why, retryAfterSeconds: 1 };
}
