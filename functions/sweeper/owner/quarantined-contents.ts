import { parseSha256, type Sha256 } from '../../../shared/files/record.ts';
import { RECORDS_PREFIX } from '../../../shared/files/records.ts';
import { isLiveReference } from '../../../shared/files/references.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { allObjects } from '../../../shared/storage/page.ts';
import { digestsOf } from '../digests-of.ts';
import type { HoldingsDeps } from './holdings.ts';
import { ownFiles } from './own-files.ts';

/** The prefix of contents in quarantine that were clean before; files with the same content have one. */
const CONTENTS_PREFIX = 'sha256/';

/**
 * Contents in quarantine that files of one owner have and no other file: they go with those. Nothing but the records leads to them.
 * @param referenced whether files go that a resource refers to
 * @throws {StorageError}
 */
export async function quarantinedContents(
  deps: HoldingsDeps,
  { principal, referenced }: { readonly principal: Principal; readonly referenced: boolean },
): Promise<readonly StoredObject[]> {
  const stored = new Map<Sha256, StoredObject>();
  if (!deps.quarantine) return [];
  for await (const object of allObjects(deps.quarantine, { prefix: CONTENTS_PREFIX })) {
    const sha256 = parseSha256(object.name.slice(CONTENTS_PREFIX.length));
    if (sha256) stored.set(sha256, object);
  }
  if (stored.size === 0) return [];
  const own = new Set<Sha256>();
  const staying = new Set<Sha256>();
  for await (const file of ownFiles(deps, principal)) {
    const stays = !referenced && file.references.some(isLiveReference);
    for (const sha256 of digestsOf(file)) if (stored.has(sha256)) (stays ? staying : own).add(sha256);
  }
  const ofOthers = await digestsOfOthers(deps, principal, own);
  return [...own].flatMap((sha256) =>
    staying.has(sha256) || ofOthers.has(sha256) ? [] : (stored.get(sha256) ?? []),
  );
}

/** States in which a file needs its content no more: its tombstone still names it. */
const OVER: ReadonlySet<string> = new Set(['deleted', 'expired']);

/** Those of some contents that files of other owners have. @throws {StorageError} */
export async function digestsOfOthers(
  { records }: Pick<HoldingsDeps, 'records'>,
  principal: Principal,
  wanted: ReadonlySet<Sha256>,
): Promise<ReadonlySet<Sha256>> {
  const found = new Set<Sha256>();
  if (wanted.size === 0) return found;
  for await (const objects of allObjects(records, { prefix: RECORDS_PREFIX })) {
    const { owner, state } = objects.file.metadata;
    if (owner === principal || (state !== undefined && OVER.has(state))) continue;
    for (const digest of digestsOf(objects)) if (wanted.has(digest)) found.add(digest);
  }
  return found;
}
