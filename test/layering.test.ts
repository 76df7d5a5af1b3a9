import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const IMPORT = /(?:\bfrom\s*|\bimport\s*\(\s*|^\s*import\s*)['"](\.{1,2}\/[^'"]+)['"]/gm;

/** The folders of `shared/`: each imports only those before it. */
const ORDER = [
  'runtime',
  'framework',
  'storage',
  'signing',
  'tracing',
  'identity',
  'scanning',
  'files',
  'deployment',
  'events',
  'http',
];

function layerOf(folder = ''): number {
  const layer = ORDER.indexOf(folder);
  if (layer < 0) throw new Error(`shared/${folder} has no place in the order`);
  return layer;
}

/** Forbidden imports of a file, and why. */
function violation(from: string, to: string): string | undefined {
  const [area, name] = from.split('/');
  const [targetArea, targetName] = to.split('/');
  if (area === 'functions' && targetArea === 'functions' && targetName !== name) {
    return 'functions import shared, never each other';
  }
  if (area === 'shared' && targetArea === 'functions') return 'shared imports no function';
  if (area === 'shared' && targetArea === 'shared' && layerOf(name) < layerOf(targetName)) {
    return `the order in shared is ${ORDER.join(', ')}`;
  }
  const maySeeEmulators = ['infra', 'test', 'bench'].includes(area ?? '');
  if (targetArea === 'infra' && !maySeeEmulators)
    return 'only infra, test and bench import the local platform';
  if (from.startsWith('infra/emulators/')) {
    const own = from.split('/', 3).join('/');
    if (!to.startsWith(`${own}/`) && !to.startsWith('infra/emulators/common/'))
      return 'an emulator is a package: it imports its own files and those of common';
  }
  if (area !== 'test' && targetArea === 'test') return 'nothing imports tests';
  const composes = from.endsWith('/index.ts') || from.startsWith('shared/storage/');
  if (area === 'functions' && /^shared\/storage\/(transport|connect)\.ts$/.test(to) && !composes) {
    return 'only index.ts builds adapters';
  }
  return undefined;
}

function importsOf(file: string, source: string): string[] {
  return [...source.matchAll(IMPORT)].map(([, path]) => normalize(join(dirname(file), path ?? '')));
}

function violations(file: string, source: string): string[] {
  return importsOf(file, source).flatMap((target) => {
    const rule = violation(file, target);
    return rule ? [`${file} imports ${target}: ${rule}`] : [];
  });
}

type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * The imports between what is beside each other in a folder, by folder: files, and subfolders as one each. A folder
 * may so import a file beside it that its own files build on, and a circle of folders is one wherever their files are.
 */
function graphsOf(imports: readonly (readonly [from: string, to: string])[]): ReadonlyMap<string, Graph> {
  const graphs = new Map<string, Map<string, Set<string>>>();
  for (const [from, to] of imports) {
    const path = from.split('/');
    const target = to.split('/');
    const common = path.findIndex((step, index) => step !== target[index]);
    const [a, b] = [path[common], target[common]];
    if (a === undefined || b === undefined) continue;
    const folder = path.slice(0, common).join('/');
    const graph = graphs.get(folder) ?? new Map<string, Set<string>>();
    graphs.set(folder, graph.set(a, (graph.get(a) ?? new Set()).add(b)));
  }
  return graphs;
}

/** A circle in the graph, its first step again at its end; undefined where there is none. */
function circleIn(graph: Graph): readonly string[] | undefined {
  const free = new Set<string>();
  const visit = (node: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (free.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const circle = visit(next, [...path, node]);
      if (circle) return circle;
    }
    free.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const circle = visit(node, []);
    if (circle) return circle;
  }
  return undefined;
}

function circles(imports: readonly (readonly [from: string, to: string])[]): string[] {
  return [...graphsOf(imports)].flatMap(([folder, graph]) => {
    const circle = circleIn(graph);
    return circle ? [`${folder}: ${circle.join(' -> ')}`] : [];
  });
}

/**
 * The modules of `shared/` that one function alone needs, directly or through others, with its name. The local platform
 * counts as one that needs a module; tests and the benchmark follow what is there.
 */
function needsOfOne(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const users = new Map<string, Set<string>>();
  const mark = (file: string, user: string): void => {
    const known = users.get(file) ?? new Set();
    if (known.has(user)) return;
    users.set(file, known.add(user));
    for (const target of imports.get(file) ?? []) mark(target, user);
  };
  for (const file of imports.keys()) {
    const [area, name = ''] = file.split('/');
    if (area === 'functions') mark(file, name);
    if (area === 'infra') mark(file, area);
  }
  return [...users].flatMap(([file, [user, another]]) =>
    // The schemas of events are data beside the code that makes these, whatever serves them.
    file.startsWith('shared/') && !file.endsWith('.json') && another === undefined
      ? [`${file}: ${user}`]
      : [],
  );
}

describe('layering', () => {
  const files = globSync('{functions,shared,infra,client,bench}/**/*.{ts,mjs}', { cwd: ROOT }).filter(
    (file) => !/\/(node_modules|dist)\//.test(file),
  );

  it('holds in every source file', () => {
    assert.ok(files.length > 50, `found only ${files.length} files`);
    const found = files.flatMap((file) => violations(file, readFileSync(join(ROOT, file), 'utf8')));
    assert.deepEqual(found, []);
  });

  it('has no circle of files or folders, types included', () => {
    const imports = files.flatMap((file) =>
      importsOf(file, readFileSync(join(ROOT, file), 'utf8')).map((target) => [file, target] as const),
    );
    assert.ok(imports.length > 1_000, `found only ${imports.length} imports`);
    assert.deepEqual(circles(imports), []);
  });

  it('keeps in shared what more than one function needs', () => {
    const imports = new Map(
      files.map((file) => [file, importsOf(file, readFileSync(join(ROOT, file), 'utf8'))]),
    );
    assert.deepEqual(needsOfOne(imports), []);
  });

  it('finds what one function needs through another module', () => {
    const imports = {
      'functions/files/index.ts': ['shared/http/a.ts'],
      'functions/upload/index.ts': ['shared/http/b.ts', 'shared/http/c.ts'],
      'shared/http/a.ts': ['shared/http/c.ts'],
      'shared/http/b.ts': ['shared/http/d.ts'],
      'infra/local/cli/start.ts': ['shared/http/a.ts'],
    };
    assert.deepEqual(needsOfOne(new Map(Object.entries(imports))), [
      'shared/http/b.ts: upload',
      'shared/http/d.ts: upload',
    ]);
  });

  it('finds circles of files, of folders, and between a file and the folder beside it', () => {
    assert.deepEqual(
      circles([
        ['a/x.ts', 'a/y.ts'],
        ['a/y.ts', 'a/z.ts'],
        ['a/z.ts', 'a/y.ts'],
      ]),
      ['a: y.ts -> z.ts -> y.ts'],
    );
    assert.deepEqual(
      circles([
        ['s/a/x.ts', 's/b/x.ts'],
        ['s/b/y.ts', 's/a/y.ts'],
      ]),
      ['s: a -> b -> a'],
    );
    assert.deepEqual(
      circles([
        ['a/x.ts', 'a/b/y.ts'],
        ['a/b/z.ts', 'a/x.ts'],
      ]),
      ['a: x.ts -> b -> x.ts'],
    );
    assert.deepEqual(
      circles([
        ['a/x.ts', 'a/b/y.ts'],
        ['a/b/y.ts', 'a/z.ts'],
      ]),
      [],
    );
  });

  it('sees the imports that there are', () => {
    const source = readFileSync(join(ROOT, 'functions/upload/index.ts'), 'utf8');
    assert.ok(importsOf('functions/upload/index.ts', source).includes('shared/storage/bucket.ts'));
  });

  for (const [file, source] of [
    ['functions/upload/x.ts', "import { scan } from '../scanner/scan.ts';"],
    ['shared/files/x.ts', "import type { Scan } from '../../functions/scanner/scan.ts';"],
    ['shared/files/x.ts', "import '../../infra/local/platform.ts';"],
    ['functions/files/x.ts', "const late = import('../../infra/local/gateway.ts');"],
    ['functions/files/x.ts', "import {\n  Transport,\n} from '../../shared/storage/transport.ts';"],
    ['shared/storage/x.ts', "import { Problem } from '../http/problems.ts';"],
    ['shared/files/x.ts', "import type { Publish } from '../events/publisher.ts';"],
    ['infra/emulators/storage/src/x.ts', "import { a } from '../../../../shared/storage/crc32c.ts';"],
    ['infra/emulators/common/iam/x.ts', "import { a } from '../../storage/src/a.ts';"],
    ['infra/local/x.ts', "export { a } from '../../test/support/a.ts';"],
  ] as const) {
    it(`bites on ${source.replaceAll('\n', ' ')} in ${file}`, () => {
      assert.equal(violations(file, source).length, 1);
    });
  }
});
