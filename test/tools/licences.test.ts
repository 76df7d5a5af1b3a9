import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly link?: boolean;
}

/** SPDX identifiers. These ask for nothing but their notice, so they may be in an image or in the client. */
const PERMISSIVE = [
  'MIT',
  'ISC',
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'CC-BY-3.0',
];
/** Tools alone may also have these: they are never passed on. */
const FOR_TOOLS = [...PERMISSIVE, 'CC-BY-4.0', 'MPL-2.0', 'PSF-2.0', 'Python-2.0', 'Unlicense'];
/** Packages whose package.json has no licence, by path and version: the one that their README has. */
const FROM_README: Readonly<Record<string, string>> = {
  'node_modules/combine-errors@3.0.3': 'MIT',
  'node_modules/khroma@2.1.0': 'MIT',
};

/** Whether an SPDX expression leaves a licence to choose that is allowed. Each part of an AND has to be. */
function isAllowed(expression: string, allowed: readonly string[]): boolean {
  const plain = expression.replaceAll(/[()]/g, '');
  return plain
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((part) => allowed.includes(part.trim())));
}

function violations(packages: Readonly<Record<string, LockedPackage>>): string[] {
  return Object.entries(packages).flatMap(([path, { version, license, dev, link }]) => {
    if (!path.includes('node_modules/') || link) return [];
    const known = license ?? FROM_README[`${path}@${version}`] ?? 'none';
    if (isAllowed(known, dev ? FOR_TOOLS : PERMISSIVE)) return [];
    return [`${path}@${version}: ${known}`];
  });
}

describe('licences of packages', () => {
  it('are on the list', () => {
    const path = join(import.meta.dirname, '../../package-lock.json');
    const { packages } = JSON.parse(readFileSync(path, 'utf8'));
    assert.ok(Object.keys(packages).length > 300);
    assert.deepEqual(violations(packages), []);
  });

  for (const [license, dev, allowed] of [
    ['MIT', false, true],
    ['(MIT OR GPL-3.0)', false, true],
    ['MPL-2.0', true, true],
    ['MPL-2.0', false, false],
    ['MIT AND GPL-3.0', false, false],
    ['UNLICENSED', true, false],
    [undefined, true, false],
  ] as const) {
    it(`${allowed ? 'allow' : 'refuse'} ${license ?? 'none'} of ${dev ? 'a tool' : 'what is deployed'}`, () => {
      const found = violations({ 'node_modules/a': { version: '1.0.0', ...(license && { license }), dev } });
      assert.equal(found.length, allowed ? 0 : 1);
    });
  }
});
