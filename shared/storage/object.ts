import { StorageError } from './error.ts';

declare const generation: unique symbol;
/** The version of an object's bytes (int64 as a decimal string). */
export type Generation = string & { readonly [generation]: true };

declare const metageneration: unique symbol;
/** The version of an object's metadata within a generation; what a compare-and-swap compares. */
export type Metageneration = string & { readonly [metageneration]: true };

/**
 * The fields that we read of the object resource: https://cloud.google.com/storage/docs/json_api/v1/objects#resource
 */
export interface StoredObject {
  readonly bucket: string;
  readonly name: string;
  readonly generation: Generation;
  readonly metageneration: Metageneration;
  /** Bytes. */
  readonly size: number;
  /** Base64 of the big-endian CRC32C of the bytes. */
  readonly crc32c: string;
  /** Base64 of the MD5 of the bytes; absent of an object that was composed. */
  readonly md5?: string;
  readonly contentType: string;
  readonly timeCreated: Date;
  /** When its metadata was last written. */
  readonly updated: Date;
  readonly metadata: Readonly<Record<string, string>>;
  /** Time until which the bucket's retention policy keeps it; absent where none does. */
  readonly retentionExpirationTime?: Date;
  /** Somebody holds it, until they let go. */
  readonly held?: true;
  /** A time that a lifecycle rule may go by; nobody can take it away. */
  readonly customTime?: Date;
}

export function parseGeneration(text: unknown): Generation | undefined {
  return typeof text === 'string' && /^[1-9]\d{0,18}$/.test(text) ? (text as Generation) : undefined;
}

/**
 * Parses the JSON object resource that Cloud Storage answers with and that finalize events carry.
 * @throws {TypeError} naming the first field that is absent or not of its type
 */
export function parseObject(resource: unknown): StoredObject {
  const fields = (typeof resource === 'object' && resource !== null ? resource : {}) as Record<
    string,
    unknown
  >;
  const text = (name: string): string => {
    const value = fields[name];
    if (typeof value !== 'string') throw new TypeError(`object resource: ${name} is not a string`);
    return value;
  };
  const version = (name: string): Generation => {
    const value = parseGeneration(text(name));
    if (!value) throw new TypeError(`object resource: ${name} is not a positive integer`);
    return value;
  };
  // Google's storage-testbench leaves the size of an empty object out, as protocol buffers do with a zero.
  const size = Number(fields['size'] === undefined ? '0' : text('size'));
  if (!Number.isSafeInteger(size) || size < 0)
    throw new TypeError('object resource: size is not a byte count');
  const time = (name: string): Date => {
    const value = new Date(text(name));
    if (Number.isNaN(value.getTime())) throw new TypeError(`object resource: ${name} is not a time`);
    return value;
  };
  const timeCreated = time('timeCreated');
  return {
    bucket: text('bucket'),
    name: text('name'),
    generation: version('generation'),
    metageneration: version('metageneration') as string as Metageneration,
    size,
    crc32c: text('crc32c'),
    ...(typeof fields['md5Hash'] === 'string' && { md5: fields['md5Hash'] }),
    contentType:
      typeof fields['contentType'] === 'string' ? fields['contentType'] : 'application/octet-stream',
    timeCreated,
    updated: fields['updated'] === undefined ? timeCreated : time('updated'),
    metadata: parseMetadata(fields['metadata']),
    ...(fields['customTime'] !== undefined && { customTime: time('customTime') }),
    ...parseRetention(fields),
  };
}

/** https://cloud.google.com/storage/docs/bucket-lock and https://cloud.google.com/storage/docs/object-holds */
function parseRetention(
  fields: Record<string, unknown>,
): Pick<StoredObject, 'retentionExpirationTime' | 'held'> {
  const expires = new Date(String(fields['retentionExpirationTime']));
  return {
    ...(!Number.isNaN(expires.getTime()) && { retentionExpirationTime: expires }),
    ...((fields['temporaryHold'] === true || fields['eventBasedHold'] === true) && { held: true as const }),
  };
}

function parseMetadata(value: unknown): Record<string, string> {
  const entries = Object.entries((value ?? {}) as Record<string, unknown>);
  return Object.fromEntries(entries.map(([key, text]) => [key, String(text)]));
}

/** {@link parseObject} for an answer: a resource that does not parse is a fault of the call. */
export function answeredObject(operation: string, body: unknown): StoredObject {
  try {
    return parseObject(body);
  } catch (cause) {
    throw new StorageError(
      operation,
      { status: 0, reason: 'malformedAnswer', message: String(cause) },
      { cause },
    );
  }
}
