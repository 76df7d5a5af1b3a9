import { createHash, randomBytes } from 'node:crypto';
import { type Principal, principalKey } from '../identity/principal.ts';

declare const fileId: unique symbol;
/**
 * The address of a file, 43 characters of base32hex (RFC 4648 section 7, lower case, no padding):
 *
 *     tag of the owner (8) | time, newest first (9) | random (26)
 *
 * 130 random bits make it unguessable. The tag and the time make "what this owner stored, newest first" a
 * listing by prefix. The tag is 40 bits of a digest: it narrows a listing and proves nothing, the record says
 * who the owner is. See docs/adr/0003-file-id.md.
 */
export type FileId = string & { readonly [fileId]: true };

const DIGITS = '0123456789abcdefghijklmnopqrstuv';
const SHAPE = /^[0-9a-v]{43}$/;
export const TAG_LENGTH = 8;
const TIME_LENGTH = 9;
const RANDOM_LENGTH = 26;
/** 45 bits of milliseconds: the years to 3084. */
const TIME_LIMIT = 2 ** (5 * TIME_LENGTH) - 1;

export function newFileId(owner: Principal, at: Date = new Date()): FileId {
  const time = (TIME_LIMIT - at.getTime()).toString(32).padStart(TIME_LENGTH, '0');
  return `${ownerTag(owner)}${time}${base32(randomBytes(RANDOM_LENGTH))}` as FileId;
}

/**
 * The id of a file that is concatenated from several uploads. It is derived from theirs, so a repeated request finds
 * the file, and is as hard to guess as they are.
 */
export function joinedFileId(owner: Principal, uploads: readonly FileId[]): FileId {
  const [newest = ''] = uploads.map((id) => id.slice(TAG_LENGTH, TAG_LENGTH + TIME_LENGTH)).sort();
  const digest = createHash('sha256').update(uploads.join(' ')).digest();
  return `${ownerTag(owner)}${newest}${base32(digest.subarray(0, RANDOM_LENGTH))}` as FileId;
}

export function parseFileId(text: string): FileId | undefined {
  return SHAPE.test(text) ? (text as FileId) : undefined;
}

/** The tag of its owner. */
export function tagOf(id: FileId): string {
  return id.slice(0, TAG_LENGTH);
}

/** The position of a file among those of its owner: its id without the tag, so it is valid for no other owner. */
export function positionOf(id: FileId): string {
  return id.slice(TAG_LENGTH);
}

/** The id at a position among the files of an owner; the file need not exist. Undefined if the position is invalid. */
export function idAt(owner: Principal, position: string): FileId | undefined {
  return parseFileId(ownerTag(owner) + position);
}

/** Comes before all ids of the same tag and the same second, roughly, and tells no more of any of them. */
export function startOfSecond(id: FileId): FileId {
  return id.slice(0, TAG_LENGTH + TIME_LENGTH - 2).padEnd(id.length, '0') as FileId;
}

/** The prefix that all file ids of an owner share, and possibly some of others. */
export function ownerTag(owner: Principal): string {
  return tagOfKey(principalKey(owner));
}

/** @param key as {@link principalKey} has it */
export function tagOfKey(key: string): string {
  return base32(Buffer.from(key, 'hex').subarray(0, TAG_LENGTH));
}

/** One digit per byte, from five of its bits. */
function base32(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => DIGITS.charAt(byte & 31)).join('');
}
