import { readdirSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';

/** Where a machine keeps files that real programs made. */
const ROOTS = ['node_modules', '/usr/share', '/usr/lib', '/etc', '/var/cache/apt/archives'];
const LARGEST = 8 * 2 ** 20;
/** No more of a kind, so that a thousand man pages do not stand for everything. */
const OF_A_KIND = 120;
const BYTES = 500 * 2 ** 20;

/** Files that this machine has, of every kind it has, in a separate order; no more than `BYTES` of them. */
export function systemFiles(project: string): readonly string[] {
  const kinds = new Map<string, string[]>();
  for (const root of ROOTS) {
    for (const path of walk(join(root.startsWith('/') ? '' : project, root))) {
      const kind = kindOf(path);
      const known = kinds.get(kind);
      if (known) known.push(path);
      else kinds.set(kind, [path]);
    }
  }
  // One of each kind by turns, spread over what there is of it.
  const chosen = [...kinds.values()].map((paths) => spread(paths, OF_A_KIND));
  const files: string[] = [];
  let bytes = 0;
  for (let turn = 0; turn < OF_A_KIND; turn++) {
    for (const paths of chosen) {
      const path = paths[turn];
      if (path === undefined) continue;
      const size = statSync(path).size;
      if (bytes + size > BYTES) continue;
      bytes += size;
      files.push(path);
    }
  }
  return files;
}

function kindOf(path: string): string {
  return extname(path.replace(/\.so[.\d]+$/, '.so')).toLowerCase();
}

function spread(paths: readonly string[], most: number): readonly string[] {
  if (paths.length <= most) return paths;
  return Array.from({ length: most }, (_, at) => paths[Math.floor((at * paths.length) / most)] ?? '');
}

function* walk(folder: string): Generator<string> {
  let entries: readonly import('node:fs').Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return;
  }
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.isFile() && isWanted(path)) yield path;
  }
}

function isWanted(path: string): boolean {
  try {
    const { size } = statSync(path);
    return size > 0 && size <= LARGEST;
  } catch {
    return false;
  }
}
