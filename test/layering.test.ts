import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const IMPORT = /(?:\bfrom\s*|\bimport\s*\(\s*|^\s*import\s*)['"](\.{1,2}\/[^'"]+)['"]/gm;

/** What a file may not import, and why. */
function violation(from: string, to: string): string | undefined {
  const [area, name] = from.split('/');
  const [targetArea, targetName] = to.split('/');
  if (area === 'functions' && targetArea === 'functions' && targetName !== name) {
    return 'functions import shared, never each other';
  }
  if (area === 'shared' && targetArea === 'functions') return 'shared imports no function';
  const maySeeEmulators = ['infra', 'test', 'bench'].includes(area ?? '');
  if (targetArea === 'infra' && !maySeeEmulators)
    return 'only infra, test and bench import the local platform';
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

describe('layering', () => {
  const files = globSync('{functions,shared,infra,client,bench}/**/*.ts', { cwd: ROOT });

  it('holds in every source file', () => {
    assert.ok(files.length > 50, `found only ${files.length} files`);
    const found = files.flatMap((file) => violations(file, readFileSync(join(ROOT, file), 'utf8')));
    assert.deepEqual(found, []);
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
    ['infra/local/x.ts', "export { a } from '../../test/support/a.ts';"],
  ] as const) {
    it(`bites on ${source.replaceAll('\n', ' ')} in ${file}`, () => {
      assert.equal(violations(file, source).length, 1);
    });
  }
});
