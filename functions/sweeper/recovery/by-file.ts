import { type FileId, parseFileId } from '../../../shared/files/file-id.ts';

interface Named {
  readonly name: string;
}

/** One of several streams of objects that are named by a file, in the order of ids. */
export interface Source<State> {
  readonly prefix: string;
  readonly objects: AsyncGenerator<Named, void, undefined>;
  readonly add: (state: State, object: Named) => State;
}

/** @param add puts an object of the stream into what is known of its file */
export function source<State, Item extends Named>(
  prefix: string,
  objects: AsyncGenerator<Item, void, undefined>,
  add: (state: State, object: Item) => Partial<State>,
): Source<State> {
  return { prefix, objects, add: (state, object) => ({ ...state, ...add(state, object as Item) }) };
}

/**
 * Merges streams as they come: each file that any of them names once, in the order of ids. Names that are none of a file are left out.
 * @throws what a stream throws
 */
export async function* byFile<State>(
  sources: readonly Source<State>[],
  begin: (id: FileId) => State,
): AsyncGenerator<State, void, undefined> {
  const heads = sources.map((): { id: FileId; object: Named } | undefined => undefined);
  const advance = async ({ objects, prefix }: Source<State>, at: number): Promise<void> => {
    for (let next = await objects.next(); ; next = await objects.next()) {
      const id = next.value && parseFileId(idIn(next.value.name.slice(prefix.length)));
      if (next.value && !id) continue;
      heads[at] = next.value && id ? { id, object: next.value } : undefined;
      return;
    }
  };
  try {
    await Promise.all(sources.map(advance));
    for (;;) {
      const [id] = heads.flatMap((head) => head?.id ?? []).sort();
      if (id === undefined) return;
      let state = begin(id);
      for (const [at, each] of sources.entries()) {
        for (let head = heads[at]; head?.id === id; head = heads[at]) {
          state = each.add(state, head.object);
          await advance(each, at);
        }
      }
      yield state;
    }
  } finally {
    await Promise.all(sources.map(({ objects }) => objects.return()));
  }
}

function idIn(rest: string): string {
  const end = rest.indexOf('/');
  return end < 0 ? rest : rest.slice(0, end);
}
