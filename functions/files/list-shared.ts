import type { CorrelationId } from '../../shared/files/correlation-id.ts';
import { CorruptRecord } from '../../shared/files/metadata.ts';
import type { FileRecord } from '../../shared/files/record.ts';
import type { Records } from '../../shared/files/records.ts';
import {
  idIn,
  type SharedEntry,
  type SharedFiles,
  sharedPosition,
  unannouncedSince,
} from '../../shared/files/shared-files.ts';
import { type Caller, mayChange, mayView } from '../../shared/identity/caller.ts';
import { defined } from '../../shared/runtime/defined.ts';
import type { Logger } from '../../shared/runtime/log.ts';
import type { State } from './list.ts';

/** Records read at a time. */
const AT_ONCE = 32;
/** Milliseconds: longer than any request that shares a file takes. */
const SETTLED_MS = 3_600_000;

interface ListSharedDeps {
  readonly records: Records;
  readonly shared: SharedFiles;
  readonly now: () => Date;
  readonly log: Logger;
}

interface WantedShared {
  readonly caller: Caller;
  readonly states: ReadonlySet<State>;
  readonly correlationId?: CorrelationId | undefined;
  readonly limit: number;
  /** Position that an earlier page ended at. */
  readonly after: string | undefined;
}

interface ListedShared {
  readonly items: FileRecord[];
  /** The position to go on after; absent at the end. A page may be short, or empty, and have one. */
  readonly next?: string;
}

/**
 * The files of others that are shared with the caller or a group of theirs, newest first: one listing for each of these, and
 * the records of what it names, whatever the number of files of others. Only a record shows a file; an entry without a grant
 * is removed once no request can be about to write that.
 * @throws {StorageError}
 */
export async function listShared(
  deps: ListSharedDeps,
  { caller, limit, after, ...wanted }: WantedShared,
  signal: AbortSignal,
): Promise<ListedShared> {
  const pages = await Promise.all(
    [...caller.principals].map((viewer) => deps.shared.page(viewer, { after, limit, signal })),
  );
  // Beyond the end of the shortest page, there may be entries between those that the others list.
  const horizon = pages.flatMap(({ next }) => next ?? []).sort()[0];
  const merged = pages
    .flatMap(({ items }) => items)
    .map((entry) => ({ ...entry, position: sharedPosition(entry.id) }))
    .filter(({ position }) => horizon === undefined || position <= horizon)
    .sort((a, b) => (a.position < b.position ? -1 : 1));
  const entries = Map.groupBy(merged, ({ position }) => position);
  const taken = [...entries].slice(0, limit);
  const items: FileRecord[] = [];
  for (let at = 0; at < taken.length; at += AT_ONCE) {
    const batch = taken.slice(at, at + AT_ONCE);
    const found = await Promise.all(batch.map(([, same]) => readShared(deps, caller, same, signal)));
    items.push(...found.flatMap((record) => (record && isWanted(record, wanted) ? record : [])));
  }
  const isCut = entries.size > taken.length;
  const next = isCut ? taken.at(-1)?.[0] : horizon;
  return { items, ...defined({ next }) };
}

/** A position that an earlier page ended at, if it is one. */
export function parseSharedPosition(text: string): string | undefined {
  return idIn(text) && text;
}

async function readShared(
  { records, shared, now, log }: ListSharedDeps,
  caller: Caller,
  entries: readonly SharedEntry[],
  signal: AbortSignal,
): Promise<FileRecord | undefined> {
  const [first] = entries;
  try {
    const record = first && (await records.get(first.id, signal))?.record;
    if (record && mayView(caller, record, now())) return mayChange(caller, record) ? undefined : record;
  } catch (error) {
    if (!(error instanceof CorruptRecord)) throw error;
    log.error({ err: error }, 'record left out of a listing');
    return undefined;
  }
  for (const { object } of entries) {
    // The sweeper has still to announce the grant, or to find that there was none.
    if (unannouncedSince(object)) continue;
    if (now().getTime() - object.updated.getTime() < SETTLED_MS) continue;
    await shared.remove(object).catch((error: unknown) => {
      log.warn({ err: error, object: object.name }, 'entry of a revoked viewer not removed');
    });
  }
  return undefined;
}

function isWanted(
  { state, correlationId }: FileRecord,
  wanted: Pick<WantedShared, 'states' | 'correlationId'>,
): boolean {
  if (wanted.correlationId !== undefined && correlationId !== wanted.correlationId) return false;
  return wanted.states.has(state);
}
