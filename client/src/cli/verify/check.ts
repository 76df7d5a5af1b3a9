import type { Hosts } from '../../addresses.ts';
import type { Handle } from '../../handle.ts';
import type { Subscription } from '../pubsub.ts';
import type { Caller } from './caller.ts';
import { NotChecked } from './not-held.ts';

/** One promise of the service, and how to find out whether a deployment keeps it. */
export interface Check {
  /** Identifier for programs; stable. */
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

/** A file that was taken in. */
export interface Sent {
  readonly id: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sha256: string;
  /** Its handle once it is decided, and the milliseconds from its upload until then. */
  readonly decided: Promise<{ readonly handle: Handle; readonly ms: number }>;
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

/** @throws {NotChecked} where the upload that it depends on did not succeed */
export function sentBefore({ sent }: Run, subject: Subject): Sent {
  const found = sent.get(subject);
  if (found) return found;
  throw new NotChecked('its file was not uploaded, see above');
}
