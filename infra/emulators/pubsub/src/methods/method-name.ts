import type { publisherMethods } from './publisher-methods.ts';
import type { subscriberMethods } from './subscriber-methods.ts';

/** The emulated methods. */
export type MethodName =
  | keyof ReturnType<typeof publisherMethods>
  | keyof ReturnType<typeof subscriberMethods>
  | 'StreamingPull';
