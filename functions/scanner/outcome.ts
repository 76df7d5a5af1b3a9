import type { Refused } from './admission/admission.ts';

export type Outcome =
  /** The event is handled, whatever the result. */
  | { readonly kind: 'done' }
  /** The event should be redelivered: a repeat finds every change that was made. */
  | { readonly kind: 'later'; readonly why: string; readonly retryAfterSeconds: number };

export function later({ refused }: Refused): Outcome {
  const why = refused === 'slots' ? 'all scan slots are taken' : 'temporary space is short';
  return { kind: 'later', why, retryAfterSeconds: 1 };
}
