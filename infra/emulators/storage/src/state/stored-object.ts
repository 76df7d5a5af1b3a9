/** Metadata that a client may set. Source: Cloud Storage JSON API, "Objects" resource, writable fields. */
export interface Settable {
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly contentDisposition?: string;
  readonly contentLanguage?: string;
  readonly cacheControl?: string;
  readonly storageClass?: string;
  readonly temporaryHold?: boolean;
  readonly eventBasedHold?: boolean;
  /** RFC 3339. */
  readonly customTime?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Bytes that were received completely, and their checksums (base64, CRC32C big-endian). */
export interface StoredContent {
  /** Id of the immutable data file; absent for an empty content. */
  readonly content?: string;
  /** Bytes. */
  readonly size: number;
  readonly crc32c: string;
  /** Absent for composite objects. */
  readonly md5Hash?: string;
  /** Only for composite objects. */
  readonly componentCount?: number;
}

/** An object as it is kept in memory and in the journal. Immutable: a change makes a new value. */
export interface StoredObject extends StoredContent {
  readonly bucket: string;
  readonly name: string;
  /** Microseconds since 1970, strictly increasing within one emulator. */
  readonly generation: number;
  readonly metageneration: number;
  /** Milliseconds since 1970. */
  readonly timeCreated: number;
  /** Milliseconds since 1970. */
  readonly updated: number;
  /** Milliseconds since 1970; when an event-based hold was released, from which retention counts. */
  readonly holdReleased?: number;
  readonly settable: Settable;
}

export interface StoredBucket {
  readonly name: string;
  readonly metageneration: number;
  /** Milliseconds since 1970. */
  readonly timeCreated: number;
  /** Milliseconds since 1970. */
  readonly updated: number;
  /** Configuration as the client gave it: labels, lifecycle, retentionPolicy ... */
  readonly config: Readonly<Record<string, unknown>>;
}
