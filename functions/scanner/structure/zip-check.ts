import type { BorrowedBytes } from '../../../shared/runtime/memory.ts';
import { Tail } from './tail.ts';
import { type Budget, type NestedCheck, ZipMembers } from './zip-members.ts';
import {
  type DirectoryEntry,
  END_BYTES,
  type EndRecord,
  LOCAL,
  LOCAL_BYTES,
  type LocalHeader,
  lastEnd,
  MAX_COMMENT,
  readEntry,
  readLocal,
} from './zip-records.ts';

/** Bytes in which unpackers look for the end record. */
const REACH = END_BYTES + MAX_COMMENT;
/** Bytes kept of a file with members, for its directory: about 40 000 entries; ClamAV looks into 10 000. */
const MAX_TAIL = 4 * 2 ** 20;
/** Local headers, also of zips that are stored in it. */
const MAX_HEADERS = 65_536;
/** Bytes behind the data of a member that say its sizes: with or without a signature, in 32 or 64 bits. */
const DESCRIPTOR_BYTES = [12, 16, 20, 24];
const APK_BLOCK = Buffer.from('APK Sig Block 42');
/** A magic number with which some split archives begin; ClamAV knows it. */
const SPANNED = Buffer.from('PK00');
const OLE2 = Buffer.from('d0cf11e0a1b11ae1', 'hex');

/**
 * Whether all that unpackers may find in a zip is what ClamAV looks into: it goes by the last directory, at the offset that
 * the file says, and by the local headers' word on their members (libclamav/unzip.c in 1.4), while others go by either.
 *
 * So one directory has to end where the file ends, and its members have to stand one behind another from the beginning of the
 * file to it, with headers that say the same. Behind anything else, such as a self-extractor, ClamAV goes by local
 * headers alone: they have to say their sizes.
 *
 * Given a file in pieces of any size. Memory is bounded (4 MiB, and 65 536 headers), time is linear.
 */
export class ZipCheck {
  readonly #tail = new Tail(REACH);
  readonly #headers = new Map<number, LocalHeader>();
  #head: Buffer = Buffer.alloc(0);
  #size = 0;
  /** The last bytes, where less than a local header. */
  #carry: Buffer = Buffer.alloc(0);
  #tooMany = false;
  #found = false;
  readonly #inside: ZipMembers;

  /** @param open begins a check of a member that starts with these bytes, where it needs one */
  constructor(open: (head: Buffer) => NestedCheck | undefined, budget: Budget) {
    this.#inside = new ZipMembers(open, budget);
  }

  update(piece: BorrowedBytes): Promise<void> | undefined {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    if (this.#head.length < 8) this.#head = Buffer.concat([this.#head, bytes.subarray(0, 8)]).subarray(0, 8);
    const border = Buffer.concat([this.#carry, bytes.subarray(0, LOCAL_BYTES - 1)]);
    const headers = [
      ...this.#collect(border, this.#size - this.#carry.length),
      ...this.#collect(bytes, this.#size),
    ];
    this.#carry = Buffer.from(
      bytes.length >= LOCAL_BYTES - 1
        ? bytes.subarray(1 - LOCAL_BYTES)
        : Buffer.concat([this.#carry, bytes]).subarray(1 - LOCAL_BYTES),
    );
    this.#tail.push(bytes);
    this.#size += bytes.length;
    return this.#inside.update(bytes, this.#size - bytes.length, headers);
  }

  /** @returns what is wrong, in a few words */
  end(): string | undefined {
    const inside = this.#inside.end();
    return this.#outside() ?? inside;
  }

  #outside(): string | undefined {
    const tail = this.#tail.bytes();
    const end = lastEnd(tail);
    const start = this.#head.subarray(0, 4);
    const spanned = start.equals(SPANNED) && this.#headers.has(4);
    if (!start.equals(LOCAL) && !spanned) return end && this.#behind(tail, end);
    if (this.#tooMany) return 'too many headers';
    if (!end) return 'no end of a directory';
    if (!endsWith(tail, end)) return 'data behind the directory';
    const from = this.#size - tail.length;
    const directoryEnd = end.directoryOffset + end.directorySize - from;
    if (directoryEnd !== end.at && !isZip64(tail, directoryEnd, end)) return 'directory not at its place';
    const members = this.#members(tail, end, end.directoryOffset - from, 0);
    if (typeof members === 'string') return members;
    return contiguous(
      members,
      spanned ? 4 : 0,
      end.directoryOffset,
      tail.subarray(0, end.directoryOffset - from),
    );
  }

  /** The local headers in these bytes, which are at `offset` of the file. */
  #collect(bytes: Buffer, offset: number): LocalHeader[] {
    const found: LocalHeader[] = [];
    for (let at = bytes.indexOf(LOCAL); at !== -1; at = bytes.indexOf(LOCAL, at + 1)) {
      if (at + LOCAL_BYTES > bytes.length) break;
      if (this.#headers.size >= MAX_HEADERS) {
        this.#tooMany = true;
        break;
      }
      const header = readLocal(bytes, at, offset + at);
      this.#headers.set(header.offset, header);
      found.push(header);
      this.#tail.keep(MAX_TAIL);
    }
    return found;
  }

  /** Whether a zip may be opened behind something else; known at the end. */
  get isBehind(): boolean {
    return this.#found;
  }

  /** A file that does not begin as a zip, but may be opened as one. */
  #behind(tail: Buffer, end: EndRecord): string | undefined {
    if (end.entries === 0 || this.#headers.size === 0) return undefined;
    const from = this.#size - tail.length;
    const at = end.at - end.directorySize - (isZip64(tail, end.at - ZIP64_BYTES, end) ? ZIP64_BYTES : 0);
    if (readEntry(tail, at) === undefined) {
      // Where it says that it is, or nowhere.
      const said = end.directoryOffset - from;
      return readEntry(tail, said) === undefined ? undefined : 'directory not at its place';
    }
    this.#found = true;
    if (this.#tooMany) return 'too many headers';
    const before = from + at - end.directoryOffset;
    const members = this.#members(tail, end, at, before);
    if (typeof members === 'string') return members;
    // A zip attached to an Outlook message, say, is looked into by way of the message.
    if (this.#head.equals(OLE2)) return undefined;
    const described = members.some(({ header, entry }) => header.described && entry.compressed > 0);
    return described ? 'sizes behind the data, behind something else' : undefined;
  }

  /** The directory, entry by entry, with the local header of each. */
  #members(tail: Buffer, end: EndRecord, start: number, before: number): Member[] | string {
    if (end.disk !== 0) return 'more than one disk';
    if (start < 0) return 'directory too large';
    const members: Member[] = [];
    let at = start;
    for (let count = 0; count < end.entries; count++) {
      const entry = readEntry(tail, at);
      if (!entry) return 'directory with fewer entries';
      // Offsets are from the beginning of the file, or of the zip in it.
      const header =
        this.#headers.get(entry.offset + before) ??
        (before > 0 ? this.#headers.get(entry.offset) : undefined);
      if (!header) return 'no local header';
      if (!agree(header, entry)) return 'local header and directory disagree';
      members.push({ header, entry });
      at += entry.length;
    }
    return at === start + end.directorySize ? members : 'directory with more than its entries';
  }
}

/** The end in 64 bits, and where that is: written by those who do not know beforehand how much there will be. */
const ZIP64_BYTES = 56 + 20;

/** Whether it says the same as the end that ClamAV goes by. */
function isZip64(tail: Buffer, at: number, end: EndRecord): boolean {
  if (at < 0 || at + ZIP64_BYTES !== end.at) return false;
  return (
    tail.readUInt32LE(at) === 0x06064b50 &&
    tail.readBigUInt64LE(at + 4) === 44n &&
    tail.readBigUInt64LE(at + 32) === BigInt(end.entries) &&
    tail.readBigUInt64LE(at + 40) === BigInt(end.directorySize) &&
    tail.readBigUInt64LE(at + 48) === BigInt(end.directoryOffset) &&
    tail.readUInt32LE(at + 56) === 0x07064b50
  );
}

interface Member {
  readonly header: LocalHeader;
  readonly entry: DirectoryEntry;
}

/** Padding behind the comment is nothing that could be opened. */
function endsWith(tail: Buffer, { at, commentLength }: EndRecord): boolean {
  const rest = tail.subarray(at + END_BYTES + commentLength);
  return at + END_BYTES + commentLength <= tail.length && rest.every((byte) => byte === 0);
}

function agree(header: LocalHeader, entry: DirectoryEntry): boolean {
  if (entry.masked || entry.disk !== 0) return false;
  if (header.method !== entry.method || header.encrypted !== entry.encrypted) return false;
  // ClamAV knows no sizes in 64 bits, skips what has none, and takes no more of what is stored than either size.
  if (entry.compressed === 0xffff_ffff || entry.uncompressed === 0xffff_ffff) return false;
  if (entry.compressed === 0 && entry.uncompressed !== 0) return false;
  if (entry.method === 0 && !entry.encrypted && entry.compressed !== entry.uncompressed) return false;
  const sameSizes = header.compressed === entry.compressed && header.uncompressed === entry.uncompressed;
  return sameSizes || header.described;
}

/** @param before the bytes before the directory, or the last of them */
function contiguous(members: Member[], start: number, directory: number, before: Buffer): string | undefined {
  let at = start;
  members.sort((one, other) => one.header.offset - other.header.offset);
  for (const [index, { header, entry }] of members.entries()) {
    if (header.offset !== at) return 'members not one behind another';
    at += header.length + entry.compressed;
    const next = members[index + 1]?.header.offset ?? directory;
    const gap = next - at;
    if (header.described && DESCRIPTOR_BYTES.includes(gap)) at = next;
    else if (next === directory && gap > 0 && isSigningBlock(before, gap, header.described)) at = next;
  }
  return at === directory ? undefined : 'members not one behind another';
}

/** The signatures of an Android package, between the last member and the directory: its length stands at both ends. */
function isSigningBlock(before: Buffer, gap: number, described: boolean): boolean {
  if (before.length < 24 || !before.subarray(-16).equals(APK_BLOCK)) return false;
  const length = before.readBigUInt64LE(before.length - 24) + 8n;
  return [0, ...(described ? DESCRIPTOR_BYTES : [])].some(
    (descriptor) => length + BigInt(descriptor) === BigInt(gap),
  );
}
