import { ApiError } from '../api-error.ts';
import type { JsonRecord } from '../json-body.ts';

/** Fields of an object that clients set. Source: https://cloud.google.com/storage/docs/json_api/v1/objects#resource */
const WRITABLE = [
  'name',
  'bucket',
  'contentType',
  'contentEncoding',
  'contentDisposition',
  'contentLanguage',
  'cacheControl',
  'storageClass',
  'temporaryHold',
  'eventBasedHold',
  'customTime',
  'metadata',
  'crc32c',
  'md5Hash',
] as const;

/** Cloud Storage sets these: clients that echo a whole resource have no effect on them. */
const READ_ONLY = [
  'kind',
  'id',
  'selfLink',
  'mediaLink',
  'generation',
  'metageneration',
  'size',
  'etag',
  'owner',
  'componentCount',
  'timeCreated',
  'timeDeleted',
  'timeFinalized',
  'timeStorageClassUpdated',
  'updated',
  'retentionExpirationTime',
  'softDeleteTime',
  'hardDeleteTime',
] as const;

/** Documented, and not supported here. */
const REFUSED = ['acl', 'contexts', 'customerEncryption', 'kmsKeyName', 'restoreToken', 'retention'] as const;

/** Every documented field. */
export const OBJECT_FIELDS: readonly string[] = [...WRITABLE, ...READ_ONLY, ...REFUSED];

const ACCEPTED: readonly string[] = [...WRITABLE, ...READ_ONLY];

/**
 * Refuses a resource with a field that would be ignored otherwise. `null` and an empty list ask for nothing.
 * @throws ApiError 400
 */
export function checkObjectFields(resource: JsonRecord): void {
  for (const [name, value] of Object.entries(resource)) {
    if (ACCEPTED.includes(name) || isNothing(value)) continue;
    throw unsupportedField(name, OBJECT_FIELDS.includes(name));
  }
}

export const isNothing = (value: unknown): boolean =>
  value === undefined || value === null || (Array.isArray(value) && value.length === 0);

export const unsupportedField = (name: string, documented: boolean): ApiError =>
  new ApiError(
    400,
    'invalid',
    documented ? `Field ${name} is not supported by this emulator.` : `Unknown field ${name}.`,
    {},
    { locationType: 'body', location: name },
  );
