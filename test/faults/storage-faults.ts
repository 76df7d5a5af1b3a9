import type { Effect, FaultRule } from '../../infra/emulators/storage/src/faults/faults.ts';
import { infected, type Sample } from './samples.ts';

export type Call = Omit<FaultRule, 'effect' | 'nth' | 'times'>;

/** Ways in which any call fails. */
export const EFFECTS: readonly (readonly [name: string, effect: Effect])[] = [
  ['429', { kind: 'error', status: 429, reason: 'rateLimitExceeded' }],
  ['500', { kind: 'error', status: 500 }],
  ['503', { kind: 'error', status: 503 }],
  ['503 with Retry-After', { kind: 'error', status: 503, retryAfter: 1 }],
  ['500 although it took effect', { kind: 'error', status: 500, when: 'after' }],
  ['reset before', { kind: 'reset', when: 'before' }],
  ['reset although it took effect', { kind: 'reset', when: 'after' }],
  ['silence', { kind: 'stall' }],
  ['silence although it took effect', { kind: 'stall', when: 'after' }],
  ['403', { kind: 'error', status: 403 }],
];

/** Ways in which bytes go wrong on their way out. */
export const MEDIA_EFFECTS: typeof EFFECTS = [
  ['cut short', { kind: 'truncate', bytes: 700 }],
  ['cut at once', { kind: 'truncate', bytes: 0 }],
  ['a flipped bit', { kind: 'corrupt' }],
];

const record: Pick<Call, 'bucket' | 'namePrefix'> = { bucket: 'permanent', namePrefix: 'files/' };
const verdict: Pick<Call, 'bucket' | 'namePrefix'> = { bucket: 'permanent', namePrefix: 'verdicts/' };
const blob: Pick<Call, 'bucket' | 'namePrefix'> = { bucket: 'permanent', namePrefix: 'blobs/' };
const finding: Pick<Call, 'bucket' | 'namePrefix'> = { bucket: 'permanent', namePrefix: 'findings/' };

export const SCANNER_CALLS: readonly (readonly [name: string, call: Call])[] = [
  ['get the record', { operation: 'objects.get', ...record }],
  ['get the verdict', { operation: 'objects.get', ...verdict }],
  ['get the blob', { operation: 'objects.get', ...blob }],
  ['get the finding', { operation: 'objects.get', ...finding }],
  ['read the bytes', { operation: 'objects.getMedia', bucket: 'unscanned' }],
  ['rewrite', { operation: 'objects.rewrite' }],
  ['insert the finding', { operation: 'objects.insert', ...finding }],
  ['insert the verdict', { operation: 'objects.insert', ...verdict }],
  ['delete the source', { operation: 'objects.delete', bucket: 'unscanned' }],
];

interface Overlap {
  readonly name: string;
  /** The one that is held, while those beside it go on. */
  readonly call: Call;
  /** How many calls are held at least, of the samples or of one of each kind. */
  readonly held: number;
  readonly samples?: () => readonly Sample[];
}

const twoInfected = () => [infected(), infected()];

/** Calls that the scanner makes beside something else. */
export const SIDE_BY_SIDE: readonly Overlap[] = [
  { name: 'the record', call: { operation: 'objects.get', ...record }, held: 4 },
  { name: 'the verdict', call: { operation: 'objects.get', ...verdict }, held: 4 },
  { name: 'the blob', call: { operation: 'objects.get', ...blob }, held: 4 },
  { name: 'the finding', call: { operation: 'objects.get', ...finding }, held: 4 },
  { name: 'the bytes', call: { operation: 'objects.getMedia', bucket: 'unscanned' }, held: 4 },
  {
    name: 'keeping the finding',
    call: { operation: 'objects.insert', ...finding },
    held: 2,
    samples: twoInfected,
  },
  { name: 'quarantine', call: { operation: 'objects.rewrite' }, held: 2, samples: twoInfected },
];

export const UPLOAD_CALLS: readonly (readonly [name: string, call: Call])[] = [
  ['insert the record', { operation: 'objects.insert', ...record }],
  ['insert the object', { operation: 'objects.insert', bucket: 'unscanned' }],
];

export const SESSION_CALLS: readonly (readonly [name: string, call: Call])[] = [
  ['open a session', { operation: 'resumable.start' }],
  ['send a chunk', { operation: 'resumable.chunk' }],
];

export const FILES_CALLS: readonly (readonly [name: string, call: Call])[] = [
  ['get the record', { operation: 'objects.get', ...record }],
  ['get the verdict', { operation: 'objects.get', ...verdict }],
  ['get the blob', { operation: 'objects.get', ...blob }],
  ['read the bytes', { operation: 'objects.getMedia', bucket: 'permanent' }],
];
