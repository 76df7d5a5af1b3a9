/** Signatures of the records of a zip (PKWARE APPNOTE 4.3). */
export const LOCAL = Buffer.from('PK\x03\x04');
const CENTRAL = Buffer.from('PK\x01\x02');
const END = Buffer.from('PK\x05\x06');

export const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
export const END_BYTES = 22;
/** The longest comment behind the end record. */
export const MAX_COMMENT = 65_535;

const [DESCRIPTOR, ENCRYPTED, MASKED] = [1 << 3, 1, 1 << 13];

/** The local header of a member. Sizes and offsets are in bytes. */
export interface LocalHeader {
  /** Offset in the file. */
  readonly offset: number;
  /** Length of the header with name and extra field. */
  readonly length: number;
  readonly method: number;
  readonly encrypted: boolean;
  /** The sizes stand behind the data, and in the directory. */
  readonly described: boolean;
  readonly compressed: number;
  readonly uncompressed: number;
}

/** The directory's entry of a member. */
export interface DirectoryEntry extends Omit<LocalHeader, 'length' | 'offset'> {
  /** Offset of the local header, as it is written. */
  readonly offset: number;
  /** Length of this entry in the directory. */
  readonly length: number;
  readonly masked: boolean;
  readonly disk: number;
}

/** The record at the end of a directory. */
export interface EndRecord {
  /** Position in the bytes that were searched. */
  readonly at: number;
  readonly disk: number;
  readonly entries: number;
  readonly directorySize: number;
  readonly directoryOffset: number;
  readonly commentLength: number;
}

/** @param at where `bytes` holds `LOCAL_BYTES` of a header; `offset` is that place in the file */
export function readLocal(bytes: Buffer, at: number, offset: number): LocalHeader {
  const flags = bytes.readUInt16LE(at + 6);
  return {
    offset,
    length: LOCAL_BYTES + bytes.readUInt16LE(at + 26) + bytes.readUInt16LE(at + 28),
    method: bytes.readUInt16LE(at + 8),
    encrypted: (flags & ENCRYPTED) !== 0,
    described: (flags & DESCRIPTOR) !== 0,
    compressed: bytes.readUInt32LE(at + 18),
    uncompressed: bytes.readUInt32LE(at + 22),
  };
}

/** @returns undefined where there is no whole entry */
export function readEntry(bytes: Buffer, at: number): DirectoryEntry | undefined {
  if (at + CENTRAL_BYTES > bytes.length || bytes.compare(CENTRAL, 0, 4, at, at + 4) !== 0) return undefined;
  const flags = bytes.readUInt16LE(at + 8);
  const variable = bytes.readUInt16LE(at + 28) + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  return {
    offset: bytes.readUInt32LE(at + 42),
    length: CENTRAL_BYTES + variable,
    method: bytes.readUInt16LE(at + 10),
    encrypted: (flags & ENCRYPTED) !== 0,
    described: (flags & DESCRIPTOR) !== 0,
    masked: (flags & MASKED) !== 0,
    compressed: bytes.readUInt32LE(at + 20),
    uncompressed: bytes.readUInt32LE(at + 24),
    disk: bytes.readUInt16LE(at + 34),
  };
}

/** The last end record within reach of unpackers, which look for it from the end of the file. */
export function lastEnd(tail: Buffer): EndRecord | undefined {
  const reach = Math.max(0, tail.length - END_BYTES - MAX_COMMENT);
  const at = tail.lastIndexOf(END, tail.length - END_BYTES);
  if (tail.length < END_BYTES || at < reach) return undefined;
  return {
    at,
    disk: tail.readUInt16LE(at + 4) | tail.readUInt16LE(at + 6),
    entries: tail.readUInt16LE(at + 10),
    directorySize: tail.readUInt32LE(at + 12),
    directoryOffset: tail.readUInt32LE(at + 16),
    commentLength: tail.readUInt16LE(at + 20),
  };
}
