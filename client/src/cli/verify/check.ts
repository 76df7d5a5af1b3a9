import type { Hosts } from '../../addresses.ts';
import type { Subscription } from '../pubsub.ts';
import type { Caller } from './caller.ts';
import type { Sent } from './sent.ts';

/** One promise of the service, and how to find out whether a deployment keeps it. */
export interface Check {
  /** For programs; stable. */
  readonly id: string;
  readonly promise: string;
  /** The settings, grants and pages to look at when it is not held. */
  readonly look: string;
  /** Whether nothing else can be checked without it. */
  readonly gate?: boolean;
  /** @throws {NotHeld}, {NotChecked}, the reason of the signal */
  readonly run: (run: Run) => Promise<Observed | undefined>;
}

export interface Observed {
  /** Milliseconds that it took, where that is not the time of the check. */
  readonly ms?: number;
  /** A fact worth showing. */
  readonly note?: string;
}

/** State that the checks of one run share. */
export interface Run {
  readonly hosts: Hosts;
  readonly owner: Caller;
  /** Somebody without a token. */
  readonly nobody: Caller;
  /** A second principal. */
  readonly other: Caller | undefined;
  readonly subscription: Subscription | undefined;
  /** Milliseconds to wait for a verdict, and for its event. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Prefix of the names of its files. */
  readonly prefix: string;
  /** Uploads of earlier checks. */
  readonly sent: Map<Subject, Sent>;
}

export type Subject = 'small' | 'large' | 'direct' | 'eicar' | 'encrypted';

/** The service did something else than it promises. */
export class NotHeld extends Error {
  override readonly name = 'NotHeld';
  readonly expected: string;
  readonly got: string;
  /** The setting or grant to look at first, if the answer tells. */
  readonly hint: string | undefined;

  constructor(expected: string, got: string, hint?: string) {
    super(`expected ${expected}, got ${got}`);
    this.expected = expected;
    this.got = got;
    this.hint = hint;
  }
}

/** The check cannot be made; the message says why. */
export class NotChecked extends Error {
  override readonly name = 'NotChecked';
}

/** @throws {NotHeld} where they differ */
export function mustBe(
  what: string,
  actual: string | number | boolean | null | undefined,
  expected: string | number | boolean,
  hint?: string,
): void {
  if (actual !== expected) throw new NotHeld(`${what} ${expected}`, `${actual ?? 'none'}`, hint);
}

/** @throws {NotChecked} where the upload that it depends on did not succeed */
export function sentBefore({ sent }: Run, subject: Subject): Sent {
  const found = sent.get(subject);
  if (found) return found;
  throw new NotChecked('its file was not taken in, see above');
}
