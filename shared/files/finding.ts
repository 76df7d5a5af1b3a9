import { isDeepStrictEqual } from 'node:util';
import { defined } from '../runtime/defined.ts';
import type { EngineVersion } from '../scanning/engine.ts';
import type { StoredObject } from '../storage/object.ts';
import { flag, group, optional, text, time } from './fields.ts';
import { CLEAN_ENGINE, FOUND_AGAIN_ENGINE, scanned } from './record-fields.ts';

/** The signature of a content that an operator has condemned: no scan found anything. */
export const CONDEMNED = 'Operator.Condemned';

/** The malware that a scan found in a content, or an operator's condemnation. */
export interface Finding {
  readonly signature: string;
  /** Time of the scan or of the operator's decision. */
  readonly scannedAt: Date;
  /** Absent if no scan found it. */
  readonly engine?: EngineVersion;
}

/** A finding in force: the bytes cannot be downloaded, whatever other scans report. */
export interface StandingFinding {
  readonly object: StoredObject;
  readonly signature: string;
  /** Absent if an operator wrote it by hand. */
  readonly finding?: Finding;
  /** The event that a downloadable content is malware has been published. */
  readonly announced: boolean;
  /** It replaced a release that subscribers know of, so it must be announced even if no one has the content. */
  readonly afterRelease?: true;
  /** The operator who requested its release, if that needs a second one. */
  readonly asked?: Release;
  /** Newer signatures find nothing in the quarantined bytes. */
  readonly clean?: FoundClean;
  /** Another signature that a scan found in the content: a release of one signature does not cover it. */
  readonly other?: string;
  /** The newest engine that has found malware in it since. A clean result from an older one does not count. */
  readonly foundAgainBy?: EngineVersion;
  /** An operator has condemned the content, regardless of any scan. */
  readonly condemned?: true;
}

/** The scan that found nothing in a content in which older signatures had found something. */
export interface FoundClean {
  /** When that was first found. */
  readonly at: Date;
  readonly engine: EngineVersion;
}

/** A finding that an operator has released: its files are clean. */
export interface LiftedFinding {
  readonly object: StoredObject;
  readonly signature: string;
  readonly release: Release;
  /** The event that the content is clean has been published. */
  readonly announced: boolean;
  /** The operator who requested a wider release, if that needs a second one. */
  readonly asked?: Release;
}

/** An operator's decision on a content. */
export interface Decision {
  /** Email of the operator. */
  readonly by: string;
  readonly at: Date;
  readonly reason: string;
}

/** An operator's decision that a finding was wrong. */
export interface Release extends Decision {
  /** The only signature that it allows in the content; absent where it allows whatever is found. */
  readonly signature?: string;
  /** No operator vouches for the content: a scan that finds the signature again restores the finding. */
  readonly untilFound?: true;
}

const release = (prefix: string) =>
  group<Release>({
    at: time(`${prefix}At`),
    by: text(`${prefix}By`),
    reason: text(`${prefix}Reason`),
    signature: optional(text(`${prefix}Signature`)),
    untilFound: flag(`${prefix}UntilFound`),
  });
export const RELEASED = release('released');
export const ASKED = release('asked');
/** Keys of {@link FoundClean} begin with this, and no others do. */
export const CLEAN_PREFIX = 'clean';
export const FOUND_CLEAN = group<FoundClean>({
  at: time('cleanAt'),
  engine: CLEAN_ENGINE,
});

/**
 * Whether a scan found it, so that a later one may find it no more. An operator's word, or a marker that was written by hand, is for operators
 * to take back.
 */
export function isOfAScan(
  known: StandingFinding,
): known is StandingFinding & { readonly finding: Required<Finding> } {
  return !known.condemned && known.signature !== CONDEMNED && known.finding?.engine !== undefined;
}

/** Whether no scan has found anything else, or by newer signatures, between two reads of a finding, and nobody has condemned its content. */
export function isSameFinding(now: StandingFinding, before: StandingFinding): boolean {
  const wordsOf = ({ signature, finding, other, foundAgainBy, condemned }: StandingFinding) => [
    signature,
    finding?.scannedAt,
    other,
    foundAgainBy,
    condemned,
  ];
  return isDeepStrictEqual(wordsOf(now), wordsOf(before));
}

/** Whether a release covers what a scan found, or what a file is infected by. Any release takes an operator's condemnation back. */
export function isAllowed({ release }: LiftedFinding, signature: string): boolean {
  return release.signature === undefined || release.signature === signature || signature === CONDEMNED;
}

/**
 * The time of a finding or a release, after the time of the one that it replaces: an order or a scan may have begun before that one, or by
 * a clock that is behind, and subscribers go by the latest (docs/events.md).
 */
export function replacedAt(before: Date | undefined, at: Date): Date {
  return before && at <= before ? new Date(before.getTime() + 1) : at;
}

/** A marker that does not parse stays in force; only a release that parses lifts it. */
export function parseFinding(object: StoredObject): StandingFinding | LiftedFinding {
  const none = () => undefined;
  const { signature = 'unspecified' } = object.metadata;
  const announced = object.metadata['announced'] === 'true';
  const release = RELEASED.read(object.metadata, none);
  const asked = ASKED.read(object.metadata, none);
  if (release) return { object, signature, release, announced, ...defined({ asked }) };
  const { scannedAt, engine } = scanned.read(object.metadata, none) ?? {};
  const finding = scannedAt && defined({ signature, scannedAt, engine });
  const clean = FOUND_CLEAN.read(object.metadata, none);
  const foundAgainBy = FOUND_AGAIN_ENGINE.read(object.metadata, none);
  return {
    object,
    signature,
    announced,
    ...(object.metadata['afterRelease'] === 'true' && { afterRelease: true }),
    ...defined({ finding, asked, clean, foundAgainBy, other: object.metadata['otherSignature'] }),
    ...(object.metadata['condemnedBy'] !== undefined && { condemned: true }),
  };
}
