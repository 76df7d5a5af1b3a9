/** How long one call may go on. */
export interface SweepTerms {
  /** Milliseconds after which nothing more is begun. */
  readonly budgetMs: number;
  /** The process is about to end: nothing more is begun. */
  readonly stopping: () => boolean;
}

/** Tells when nothing more is to be begun, counted from now. @param share of the time, 0 to 1 */
export function stopAfter({ budgetMs, stopping }: SweepTerms, share = 1): () => boolean {
  const end = performance.now() + budgetMs * share;
  return () => stopping() || performance.now() >= end;
}
