export type Outcome =
  /** The event is dealt with, whatever came of it. */
  | { readonly kind: 'done' }
  /** The event should come back: nothing was changed that a repeat would not find. */
  | { readonly kind: 'later'; readonly why: string; readonly retryAfterSeconds: number };
