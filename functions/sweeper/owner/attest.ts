import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { usedAt } from '../../../shared/files/blob.ts';
import { BLOBS_PREFIX, blobKey, blobName, digestOf } from '../../../shared/files/blob-name.ts';
import { parseFileId } from '../../../shared/files/file-id.ts';
import { parseSha256, type Sha256 } from '../../../shared/files/record.ts';
import { isLiveReference, referencesOf } from '../../../shared/files/references.ts';
import { invalidRequest, type Problem } from '../../../shared/http/problems.ts';
import { type Principal, parsePrincipal, principalKey } from '../../../shared/identity/principal.ts';
import { defined } from '../../../shared/runtime/defined.ts';
import type { BorrowedBytes } from '../../../shared/runtime/memory.ts';
import { isKept } from '../../../shared/storage/delete-unless-held.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { allObjects } from '../../../shared/storage/page.ts';
import { parseJson } from '../parse-json.ts';
import { visitSideBySide } from '../side-by-side.ts';
import { type BucketRole, type HoldingsDeps, holdings, isNamedBy } from './holdings.ts';
import { linesOf } from './lines.ts';
import { digestsOfOthers } from './quarantined-contents.ts';

/** Objects that a statement names one by one; of more, it has the number. */
const MOST_NAMED = 1_000;

/** The first line of a list. */
const Head = v.object({ principal: v.string(), at: v.string() });
/** Its last one. */
const End = v.object({ end: v.literal(true), count: v.number() });
const Listed = v.object({
  kind: v.string(),
  bucket: v.picklist(['permanent', 'unscanned', 'quarantine']),
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(1024)),
});

interface AttestDeps extends HoldingsDeps {
  /** Milliseconds in which no collection deletes a content after its last use. */
  readonly blobGraceMs: number;
  readonly now: () => Date;
}

/** Why an object of the list is still there. */
type Reason =
  /** A retention policy keeps it. */
  | 'retention'
  /** Somebody holds it, until they let go. */
  | 'hold'
  /** A resource refers to its file. */
  | 'referenced'
  /** A file of another owner has the same content. */
  | 'shared'
  /** The next collection decides on it. */
  | 'collection'
  /** It was not erased yet. */
  | 'present';

interface Kept {
  readonly bucket: BucketRole;
  readonly name: string;
  readonly reason: Reason;
  /** The earliest time at which it can be deleted, RFC 3339; absent where nobody knows it. */
  readonly until?: string;
}

/** Members of the predicate; shared/signing/erasure.v1.json explains them. */
export interface Erasure {
  /** SHA-256 of the principal. */
  readonly principal: string;
  readonly listed: number;
  readonly absent: number;
  readonly kept: readonly Kept[];
  readonly keptByReason: Readonly<Partial<Record<Reason, number>>>;
  /** Objects of the principal that the list does not name. */
  readonly unlisted: number;
  readonly complete: boolean;
  readonly issuedAt: string;
}

interface Present {
  readonly bucket: BucketRole;
  readonly object: StoredObject;
}

/**
 * Looks whether what a list names is still there, and searches everything for the principal once more.
 * @param body the list, as `POST /owner/list` answered it
 * @returns what a statement can say, and the SHA-256 of the list in lower-case hex
 * @throws {Problem} where it is no such list; {StorageError}
 */
export async function attestErasure(
  deps: AttestDeps,
  body: AsyncIterable<BorrowedBytes>,
): Promise<{ readonly erasure: Erasure; readonly sha256: string }> {
  const now = deps.now();
  const hash = createHash('sha256');
  const names = new Set<string>();
  const present: Present[] = [];
  const lines = linesOf(body, hash);
  const principal = parsePrincipal(parseJson(Head, (await lines.next()).value ?? '', notTheList).principal);
  if (!principal) throw notTheList();
  let listed = 0;
  let ended = false;
  const visit = async (line: string): Promise<void> => {
    const said = parseJson(v.union([Listed, End]), line, notTheList);
    if ('end' in said) {
      ended = true;
      return;
    }
    listed++;
    const object = await find(deps, principal, said);
    if (!object) return;
    names.add(`${said.bucket}/${said.name}`);
    present.push({ bucket: said.bucket, object });
  };
  await visitSideBySide(lines, visit, () => false);
  if (!ended) throw notTheList();
  let unlisted = 0;
  for await (const { bucket, name } of holdings(deps, principal)) {
    if (!names.has(`${bucket}/${name}`)) unlisted++;
  }
  const contents = new Set(present.flatMap(({ object }) => contentDigest(object) ?? []));
  const ofOthers = await digestsOfOthers(deps, principal, contents);
  const reasons: Kept[] = [];
  // A content that only files of this owner may use is none of others, who have the same bytes.
  const shared = ({ name }: StoredObject, digest: Sha256) =>
    ofOthers.has(digest) && name !== blobName(blobKey('owner', { owner: principal, sha256: digest }));
  for (const each of present) reasons.push(await reasonFor(deps, each, shared, now));
  const keptByReason: Partial<Record<Reason, number>> = {};
  for (const { reason } of reasons) keptByReason[reason] = (keptByReason[reason] ?? 0) + 1;
  const erasure: Erasure = {
    principal: principalKey(principal),
    listed,
    absent: listed - present.length,
    kept: reasons.slice(0, MOST_NAMED),
    keptByReason,
    unlisted,
    complete: unlisted === 0 && reasons.every(({ reason }) => reason === 'shared'),
    issuedAt: now.toISOString(),
  };
  return { erasure, sha256: hash.digest('hex') };
}

function notTheList(): Problem {
  return invalidRequest('Send the whole list, as POST /owner/list answered it.');
}

/** The object, as far as it is of the principal: a file of another owner is, as long as it names them. */
async function find(
  deps: AttestDeps,
  principal: Principal,
  { kind, bucket, name }: v.InferOutput<typeof Listed>,
): Promise<StoredObject | undefined> {
  // Asks a listing: not every name may be read.
  const page = await deps[bucket]?.list({ prefix: name, maxResults: 1 });
  const object = page?.objects.find((each) => each.name === name);
  return object && kind === 'grant' && !isNamedBy(object, principal) ? undefined : object;
}

/** The digest of a content, by the name of its object; undefined where it is none. */
function contentDigest({ name }: StoredObject): Sha256 | undefined {
  return digestOf(name) ?? parseSha256(name.replace(/^sha256\//, ''));
}

async function reasonFor(
  deps: AttestDeps,
  { bucket, object }: Present,
  isShared: (object: StoredObject, digest: Sha256) => boolean,
  now: Date,
): Promise<Kept> {
  const { name, retentionExpirationTime } = object;
  const digest = contentDigest(object);
  const kept = (reason: Reason, until?: Date): Kept => ({
    bucket,
    name,
    reason,
    ...defined({ until: until?.toISOString() }),
  });
  if (digest && isShared(object, digest)) return kept('shared');
  if (isKept(object, now)) {
    return object.held ? kept('hold') : kept('retention', retentionExpirationTime);
  }
  if (name.startsWith(BLOBS_PREFIX)) {
    return kept('collection', new Date(usedAt(object).getTime() + deps.blobGraceMs));
  }
  const [id] = name.split('/').flatMap((part) => parseFileId(part) ?? []);
  if (id) {
    for await (const reference of allObjects(deps.permanent, { prefix: referencesOf(id) })) {
      if (isLiveReference(reference)) return kept('referenced');
    }
  }
  return kept('present');
}
