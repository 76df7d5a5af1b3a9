import { parseTime } from '../../../shared/files/fields.ts';
import { type FileId, tagOf, tagOfKey } from '../../../shared/files/file-id.ts';
import { type Principal, parsePrincipal, principalKey } from '../../../shared/identity/principal.ts';
import type { Bucket } from '../../../shared/storage/bucket.ts';
import { allObjects } from '../../../shared/storage/page.ts';
import type { Archive, Chain } from '../exporter/archive.ts';
import type { ArchivedObject } from '../exporter/archived.ts';
import { stateOf } from '../exporter/state.ts';

/** The prefix of the marks that a principal was erased, followed by the SHA-256 of the principal and the day. */
export const ERASED_PREFIX = 'erased/';

/** Longer than any call erases: what an export has that began later was not about to be erased. Cloud Run ends a request after an hour. */
const LONGEST_ERASURE_MS = 2 * 3_600_000;

/** A mark for each day: a lifecycle rule counts from when it was made. */
export function erasedName(principal: Principal, at: Date): string {
  return `${ERASED_PREFIX}${principalKey(principal)}/${at.toISOString().slice(0, 10)}`;
}

/** Principals that were erased, for a restore not to bring back what they had before. */
export class Erased {
  readonly #at = new Map<string, Date>();
  /** The same by the tag of ids. */
  readonly #atByTag = new Map<string, Date>();

  readonly #exportedAt: Date;

  private constructor(newest: Chain) {
    this.#exportedAt = new Date((newest.at(-1) ?? newest[0]).id);
  }

  /** Those that the bucket has, and those that the newest export has. @throws {StorageError}, {ArchiveDamaged} */
  static async load(permanent: Bucket, archive: Archive, newest: Chain): Promise<Erased> {
    const erased = new Erased(newest);
    for await (const mark of stateOf(archive.bucket, newest, ERASED_PREFIX)) erased.#add(mark);
    for await (const mark of allObjects(permanent, { prefix: ERASED_PREFIX })) erased.#add(mark);
    return erased;
  }

  #add({ name, metadata }: { name: string; metadata: Readonly<Record<string, string>> }): void {
    const at = parseTime(metadata['at'] ?? '');
    const [key = ''] = name.slice(ERASED_PREFIX.length).split('/');
    for (const [known, name] of [
      [this.#at, key],
      [this.#atByTag, tagOfKey(key)],
    ] as const) {
      const before = known.get(name);
      if (at && (!before || at > before)) known.set(name, at);
    }
  }

  /** Whether the principal was erased after a time; what has no time is older than any erasure. */
  since(said: string, time: Date | undefined): boolean {
    const principal = parsePrincipal(said);
    return isBefore(time, principal && this.#at.get(principalKey(principal)));
  }

  /** Whether the newest export has a file that an erasure before it has left to the resources that refer to it. */
  hasLeft(latest: ArchivedObject | undefined): boolean {
    const owner = latest?.metadata['referenced'] ? parsePrincipal(latest.metadata['owner'] ?? '') : undefined;
    const at = owner && this.#at.get(principalKey(owner));
    return at !== undefined && this.#exportedAt.getTime() - at.getTime() >= LONGEST_ERASURE_MS;
  }

  /** The same of the owner of a file, whose record may be gone. */
  sinceOfFile(id: FileId, time: Date | undefined): boolean {
    return isBefore(time, this.#atByTag.get(tagOf(id)));
  }
}

function isBefore(time: Date | undefined, erasedAt: Date | undefined): boolean {
  return erasedAt !== undefined && !(time && time >= erasedAt);
}
