import { type Field, field, group, type Metadata, optional, parseTime } from '../files/fields.ts';

/** Name of the object in the permanent bucket. It has no bytes: its metadata is the state. */
export const STATE_NAME = 'deployment/state';

/** The deployment that the buckets belong to. */
interface BucketClaim {
  /** `DEPLOYMENT` of its functions. */
  readonly deployment: string;
  readonly at: Date;
  /** Email of the operator who took the buckets over; absent where a sweeper found them unclaimed. */
  readonly by?: string;
}

/** An order of an operator to take no new uploads. */
export interface Pause {
  readonly reason: string;
  readonly at: Date;
  /** Email of the operator. */
  readonly by: string;
  /** Uploads are taken again from then on; absent: once an operator says so. */
  readonly until?: Date;
}

export const LEVELS = ['info', 'warning'] as const;

/** Words of an operator to all users. */
export interface Notice {
  readonly text: string;
  readonly level: (typeof LEVELS)[number];
  readonly at: Date;
  /** Email of the operator. */
  readonly by: string;
  /** Times between which it is shown. */
  readonly from?: Date;
  readonly until?: Date;
}

export interface DeploymentState {
  /** Absent: no deployment has claimed the buckets yet. */
  readonly claim?: BucketClaim;
  readonly pause?: Pause;
  readonly notice?: Notice;
}

// Only a hand can write what does not parse. A pause then holds until it is ended, and a notice is shown until it is removed.
const asItIs = (text: string) => text;
const iso = (at: Date) => at.toISOString();
const UNKNOWN_TIME = new Date(0);
const time = (key: string) => field(key, (text) => parseTime(text) ?? UNKNOWN_TIME, iso, UNKNOWN_TIME);
const words = (key: string) => field(key, asItIs, asItIs, 'unknown');
const boundary = (key: string) => optional(field(key, parseTime, iso));

const FIELDS: { readonly [K in keyof DeploymentState]-?: Field<Required<DeploymentState>[K], false> } = {
  claim: group<BucketClaim>({
    deployment: field('deployment', (text) => text || undefined),
    at: time('claimedAt'),
    by: optional(field('claimedBy', asItIs)),
  }),
  pause: group<Pause>({
    reason: field('pauseReason', asItIs),
    at: time('pausedAt'),
    by: words('pausedBy'),
    until: boundary('pausedUntil'),
  }),
  notice: group<Notice>({
    text: field('notice', asItIs),
    level: field('noticeLevel', (text) => LEVELS.find((level) => level === text) ?? 'info', asItIs, 'info'),
    at: time('noticeAt'),
    by: words('noticeBy'),
    from: boundary('noticeFrom'),
    until: boundary('noticeUntil'),
  }),
};

/** @param metadata of the object; undefined where there is none */
export function parseState(metadata: Metadata | undefined): DeploymentState {
  if (!metadata) return {};
  const none = () => undefined;
  const parts = Object.entries(FIELDS).map(([name, part]) => [name, part.read(metadata, none)]);
  return Object.fromEntries(parts.filter(([, value]) => value !== undefined)) as DeploymentState;
}

/** The metadata that keeps a state. */
export function formatState({ claim, pause, notice }: DeploymentState): Metadata {
  return {
    ...(claim && FIELDS.claim.write(claim)),
    ...(pause && FIELDS.pause.write(pause)),
    ...(notice && FIELDS.notice.write(notice)),
  };
}

/** The pause that holds at a time. */
export function pauseAt({ pause }: DeploymentState, now: Date): Pause | undefined {
  return pause && !(pause.until && pause.until <= now) ? pause : undefined;
}

/** The notice that is shown at a time. */
export function noticeAt({ notice }: DeploymentState, now: Date): Notice | undefined {
  if (!notice || (notice.from && notice.from > now)) return undefined;
  return notice.until && notice.until <= now ? undefined : notice;
}
