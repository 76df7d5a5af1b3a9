import { type FileId, parseFileId } from '../../shared/files/file-id.ts';
import type { Bucket } from '../../shared/storage/bucket.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { allObjects } from '../../shared/storage/page.ts';
import { ID_DIGITS, type Range, rangesOf } from './ranges.ts';

/** File ids begin with a digest of their owner: the files of one owner are in one range. */
export const ID_RANGES = rangesOf('', ID_DIGITS, 4);
/** Comes after every digit of a file id. */
const AFTER_DIGITS = 'w';

/** The range of ids with a prefix: a whole id, or the tag of an owner. */
export function idsBeginning(from: string): Range {
  return { from, to: from + AFTER_DIGITS };
}

/** Lists objects named by a prefix and an id in the range, sorted by id. @throws {StorageError} */
export function objectsOf(
  bucket: Bucket,
  prefix: string,
  { from, to }: Range,
): AsyncGenerator<StoredObject, void, undefined> {
  const endOffset = to === undefined ? undefined : prefix + to;
  return allObjects(bucket, { prefix, startOffset: prefix + from, endOffset });
}

/** A stream of objects named by file id, sorted by id. */
export type Source<State> = AsyncGenerator<
  { readonly id: FileId; readonly addTo: (state: State) => State },
  void,
  undefined
>;

/**
 * Creates a source of objects named by a prefix and a file id. Other names are skipped.
 * @param add adds an object to the facts about its file
 */
export async function* source<State, Item extends { readonly name: string }>(
  prefix: string,
  objects: AsyncGenerator<Item, void, undefined>,
  add: (state: State, object: Item) => Partial<State>,
): Source<State> {
  for await (const object of objects) {
    const [first = ''] = object.name.slice(prefix.length).split('/');
    const id = parseFileId(first);
    if (id) yield { id, addTo: (state) => ({ ...state, ...add(state, object) }) };
  }
}

/**
 * Merges sources: yields each file that any of them names once, sorted by id.
 * @throws what a source throws
 */
export async function* byFile<State>(
  sources: readonly Source<State>[],
  begin: (id: FileId) => State,
): AsyncGenerator<State, void, undefined> {
  try {
    const heads = await Promise.all(
      sources.map(async (source) => ({ source, next: (await source.next()).value })),
    );
    for (;;) {
      const [id] = heads.flatMap(({ next }) => next?.id ?? []).sort();
      if (id === undefined) return;
      let state = begin(id);
      for (const head of heads) {
        for (; head.next?.id === id; head.next = (await head.source.next()).value) {
          state = head.next.addTo(state);
        }
      }
      yield state;
    }
  } finally {
    await Promise.all(sources.map((source) => source.return()));
  }
}
