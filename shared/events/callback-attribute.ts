import type { FileRecord } from '../files/record.ts';

/**
 * Tells the subscription of the notify function which events are for it. Where their callbacks go, subscribers do not
 * learn.
 */
export function callbackAttribute({ callbackUrl }: FileRecord): { readonly callback?: 'true' } {
  return callbackUrl ? { callback: 'true' } : {};
}
