import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

/** The states that a name may come to from each, in any number of steps. `none` where there is no such object. */
type Steps = ReadonlyMap<string, ReadonlySet<string>>;

const NONE = 'none';
const PAGE = new URL('../../docs/life-of-a-file.md', import.meta.url);

/** The two diagrams of docs/life-of-a-file.md. */
function readDiagrams(): { readonly file: Steps; readonly verdict: Steps } {
  const blocks = [...readFileSync(PAGE, 'utf8').matchAll(/```mermaid\n(.*?)```/gs)].map(([, block]) => block);
  const [file, verdict] = blocks.map((block) => closureOf(edgesOf(block ?? '')));
  assert.ok(file && verdict && blocks.length === 2);
  return { file, verdict };
}

function edgesOf(diagram: string): Map<string, Set<string>> {
  const edges = new Map<string, Set<string>>();
  const state = (text: string | undefined) => (text === '[*]' ? NONE : (text ?? ''));
  for (const [, from, to] of diagram.matchAll(/^ +(\S+) --> (\S+?):/gm)) {
    const next = edges.get(state(from)) ?? new Set<string>();
    edges.set(state(from), next.add(state(to)));
  }
  assert.ok(edges.size > 3, 'the diagram cannot be read');
  return edges;
}

/** Several steps may come between two looks. Deleted files do not come back: ids are never used again. */
function closureOf(edges: ReadonlyMap<string, ReadonlySet<string>>): Steps {
  const reachable = (from: string): Set<string> => {
    const found = new Set<string>();
    const follow = (state: string) => {
      for (const next of edges.get(state) ?? []) {
        if (found.has(next)) continue;
        found.add(next);
        if (next !== NONE) follow(next);
      }
    };
    follow(from);
    return found;
  };
  return new Map([...edges.keys()].map((state) => [state, reachable(state)]));
}

/** Follows the states of files, and fails where one takes a step that is not in the diagrams. */
export class LifeLines {
  readonly #diagrams = readDiagrams();
  readonly #seen = new Map<string, { readonly file: string; readonly verdict: string }>();

  /** @param states of `files/ID` and `verdicts/ID` of all files, by id; undefined where there is no such object */
  look(states: ReadonlyMap<string, { file?: string | undefined; verdict?: string | undefined }>): void {
    for (const id of new Set([...this.#seen.keys(), ...states.keys()])) {
      const { file = NONE, verdict = NONE } = states.get(id) ?? {};
      const before = this.#seen.get(id) ?? { file: NONE, verdict: NONE };
      this.#step(id, 'file', before.file, file);
      this.#step(id, 'verdict', before.verdict, verdict);
      this.#seen.set(id, { file, verdict });
    }
  }

  #step(id: string, name: 'file' | 'verdict', from: string, to: string): void {
    if (from === to) return;
    const known = this.#diagrams[name].get(from)?.has(to);
    assert.ok(
      known,
      `the ${name} of ${id} went from ${from} to ${to}, which is not in docs/life-of-a-file.md`,
    );
  }
}
