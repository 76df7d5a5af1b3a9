import { invalid } from '../api-error.ts';
import { isRecord, type JsonRecord } from '../json-body.ts';
import type { Settable } from '../state/stored-object.ts';
import { checkObjectFields } from './object-fields.ts';

const TEXTS = [
  'contentType',
  'contentEncoding',
  'contentDisposition',
  'contentLanguage',
  'cacheControl',
  'storageClass',
] as const;
const FLAGS = ['temporaryHold', 'eventBasedHold'] as const;

/** Keys and values together. Source: Cloud Storage quotas, "Maximum combined size of all custom metadata". */
const MAX_METADATA_BYTES = 8 * 1024;

type Draft = { -readonly [K in keyof Settable]: Settable[K] };

/** Source: https://cloud.google.com/storage/docs/storage-classes */
const STORAGE_CLASSES = ['STANDARD', 'NEARLINE', 'COLDLINE', 'ARCHIVE'];

/**
 * Applies a resource as PATCH does: absent fields stay, `null` clears, numbers become strings, and read-only fields
 * are ignored, because real clients echo whole resources.
 * @throws ApiError 400, also for a field that is not supported
 */
export function mergeSettable(current: Settable, change: JsonRecord): Settable {
  checkObjectFields(change);
  const next: Draft = { ...current };
  for (const field of TEXTS) {
    const value = change[field];
    if (value === null) delete next[field];
    else if (typeof value === 'string') next[field] = value;
    else if (value !== undefined) throw invalid(`Invalid value for: ${field}`);
  }
  for (const field of FLAGS) {
    const value = change[field];
    if (value === null) delete next[field];
    else if (typeof value === 'boolean') next[field] = value;
    else if (value !== undefined) throw invalid(`Invalid value for: ${field}`);
  }
  const customTime = mergeCustomTime(current.customTime, change['customTime']);
  if (customTime !== undefined) next.customTime = customTime;
  if (next.storageClass !== undefined && !STORAGE_CLASSES.includes(next.storageClass)) {
    throw invalid(`Invalid storage class: ${next.storageClass}`);
  }
  const metadata = mergeMetadata(current.metadata, change['metadata']);
  if (metadata === undefined) delete next.metadata;
  else next.metadata = metadata;
  return next;
}

/** Whether a resource names anything but a storage class that a client may set. */
export function overridesMetadata(resource: JsonRecord): boolean {
  return [...TEXTS, ...FLAGS, 'customTime', 'metadata'].some(
    (field) => field !== 'storageClass' && resource[field] !== undefined && resource[field] !== null,
  );
}

/** Once set, it can only be moved to a later time: https://cloud.google.com/storage/docs/metadata#custom-time */
function mergeCustomTime(current: string | undefined, change: unknown): string | undefined {
  if (change === undefined) return current;
  const at = typeof change === 'string' ? Date.parse(change) : Number.NaN;
  if (change === null && current === undefined) return undefined;
  if (Number.isNaN(at)) throw invalid('Invalid value for: customTime');
  if (current !== undefined && at < Date.parse(current)) {
    throw invalid('The custom time of an object cannot be removed, or set to an earlier time.');
  }
  return new Date(at).toISOString();
}

function mergeMetadata(current: Settable['metadata'], change: unknown): Settable['metadata'] {
  if (change === undefined) return current;
  if (change === null) return undefined;
  if (!isRecord(change)) throw invalid('Invalid value for: metadata');
  const next = new Map(Object.entries(current ?? {}));
  for (const [key, value] of Object.entries(change)) {
    if (value === null) next.delete(key);
    else if (typeof value === 'object') throw invalid(`Invalid value for: metadata.${key}`);
    else next.set(key, String(value));
  }
  let bytes = 0;
  for (const [key, value] of next) bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  if (bytes > MAX_METADATA_BYTES) {
    throw invalid(
      `Metadata part is too large: ${bytes} bytes of keys and values, at most ${MAX_METADATA_BYTES}.`,
    );
  }
  return next.size === 0 ? undefined : Object.fromEntries(next);
}
