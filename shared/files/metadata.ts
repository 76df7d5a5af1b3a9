import { defined } from '../runtime/defined.ts';
import type { UnscannableReason } from '../scanning/verdict.ts';
import { type Field, field, flag, type Metadata, oneOf, optional, tagged, text, time } from './fields.ts';
import type { FileId } from './file-id.ts';
import type {
  FailureReason,
  FileRecord,
  JudgedRecord,
  PendingRecord,
  Stored,
  TusUpload,
  UnjudgedRecord,
  UploadingRecord,
} from './record.ts';
import {
  CLAIMS,
  CONTENT,
  LEASE,
  RECALLED,
  REDRIVEN,
  RELEASED,
  SCAN,
  STORED,
  UPLOAD,
} from './record-fields.ts';
import { declaredDigestsOf } from './uploading.ts';

/** A record whose metadata does not parse. It denies all access, and an operator must look at it. */
export class CorruptRecord extends Error {
  override readonly name = 'CorruptRecord';
}

type Part<R, Elsewhere extends string = never> = R extends unknown
  ? Omit<R, keyof Stored | Elsewhere>
  : never;
type Uploading = Part<UploadingRecord, 'content'>;
type Waiting = Part<PendingRecord, 'lease' | 'redriven'>;
type Over = Part<Exclude<UnjudgedRecord, UploadingRecord | PendingRecord>>;

/** How a file is uploaded, and whether it is over. */
const ARRIVAL = tagged<Uploading | Waiting | Over, 'state'>('state', 'state', {
  uploading: { upload: UPLOAD },
  pending: { content: optional(CONTENT), claims: optional(CLAIMS), tentative: flag('tentative') },
  expired: { content: optional(CONTENT) },
  deleted: { content: optional(CONTENT), deletedAt: time('deletedAt'), announced: flag('announced') },
});

/** The outcome of a file, or the scan in progress. */
const VERDICT = tagged<Part<JudgedRecord, 'tentative'>, 'state'>('state', 'state', {
  pending: {
    content: optional(CONTENT),
    claims: optional(CLAIMS),
    lease: optional(LEASE),
    redriven: optional(REDRIVEN),
  },
  clean: { content: CONTENT, scan: SCAN, released: optional(RELEASED) },
  infected: { content: CONTENT, signature: text('signature'), scan: SCAN, recalled: optional(RECALLED) },
  unscannable: {
    content: optional(CONTENT),
    reason: oneOf<UnscannableReason>('reason', [
      'tooLarge',
      'encrypted',
      'limitExceeded',
      'unsupported',
      'malformed',
    ]),
    detail: optional(text('detail')),
    accepted: field<boolean>('accepted', (text) => text === 'true', String, false),
    scan: SCAN,
  },
  failed: {
    content: optional(CONTENT),
    claims: optional(CLAIMS),
    failure: oneOf<FailureReason>('failure', ['sourceGone', 'contentMismatch', 'gaveUp']),
    failedAt: time('failedAt'),
    announced: flag('announced'),
  },
});

/** The metadata of `files/<id>`: who stored the file and who may see it, how it arrives, and that it is over. */
export function fileMetadata(record: UnjudgedRecord): Metadata {
  return { ...STORED.write(record), ...ARRIVAL.write(record) };
}

/** A tus upload as it was created: `files/<id>` keeps it, whatever the verdict, until the file is over. */
export function tusUploadOf(file: Metadata): TusUpload | undefined {
  const upload = UPLOAD.read(file, () => undefined);
  return upload?.kind === 'tus' ? upload : undefined;
}

/** The metadata of `verdicts/<id>`: the outcome of the file, or the scan in progress. */
export function verdictMetadata(record: JudgedRecord): Metadata {
  return VERDICT.write(record);
}

/** Only a completely uploaded file can have a verdict. */
function waiting(arrival: Uploading | Waiting): Waiting {
  if (arrival.state === 'pending') return arrival;
  const { upload } = arrival;
  return { state: 'pending', ...(upload.kind === 'direct' && { claims: declaredDigestsOf(upload) }) };
}

/**
 * Reads a record back: what its file says, and what its verdict adds to it. A file that is expired or deleted stays so
 * whatever the verdict is.
 * @param verdict undefined where there is none yet
 * @throws {CorruptRecord} if either does not parse: an unreadable record grants nothing
 */
export function fromMetadata(id: FileId, file: Metadata, verdict?: Metadata): FileRecord {
  const corrupt = (key: string): never => {
    throw new CorruptRecord(`record ${id}: ${key} does not parse`);
  };
  const read = <T>(field: Field<T>, from: Metadata): T => field.read(from, corrupt) ?? corrupt(field.key);
  const stored = { id, ...read(STORED, file) };
  const arrival = read(ARRIVAL, file);
  if (!verdict) return { ...stored, ...arrival };
  if (arrival.state === 'expired' || arrival.state === 'deleted') {
    const content = CONTENT.read(verdict, corrupt);
    return { ...stored, ...arrival, ...defined({ content }) };
  }
  const judged = read(VERDICT, verdict);
  const { tentative, ...known } = waiting(arrival);
  switch (judged.state) {
    case 'pending':
      return { ...stored, ...known, ...defined({ tentative }), ...judged };
    case 'failed':
      return { ...stored, ...known, ...judged };
    case 'unscannable': {
      const content = judged.content ?? known.content;
      const isAccepted = judged.accepted && content !== undefined;
      return { ...stored, ...defined({ content }), ...judged, accepted: isAccepted };
    }
    default:
      return { ...stored, ...judged };
  }
}
