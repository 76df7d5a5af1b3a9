import assert from 'node:assert/strict';
import { basename, resolve } from 'node:path';
import fc from 'fast-check';
import { Names, safeName } from '../../client/src/cli/safe-name.ts';

describe('client: names of downloads', () => {
  it('lead to no other folder, whatever the service tells', () => {
    const parts = fc.constantFrom('..', '.', '/', '\\', 'C:', '\0', '\u202e', 'a', ' ', '~', '\n');
    const hostile = fc.array(parts, { maxLength: 12 }).map((some) => some.join(''));
    fc.assert(
      fc.property(fc.oneof(hostile, fc.string({ unit: 'binary' })), (given) => {
        for (const platform of ['linux', 'win32'] as const) {
          const name = safeName(given, platform);
          if (name === undefined) continue;
          assert.equal(basename(resolve('/folder', name)), name);
          assert.equal(resolve('/folder', name), `/folder/${name}`);
          assert.doesNotMatch(name, /[/\\\p{C}]/u);
          assert.doesNotMatch(name, /^[.\s]/);
        }
      }),
    );
  });

  it('keep what is harmless', () => {
    for (const name of ['report.pdf', 'rapport (1).pdf', 'røntgen 2026.dcm', 'a..b', '日本.txt'])
      assert.equal(safeName(name, 'win32'), name);
    for (const nothing of [undefined, '', '..', '../', '. .', 'a/'])
      assert.equal(safeName(nothing), undefined);
  });

  it('are no device, drive or stream on Windows', () => {
    const cases = {
      'nul.txt': '_nul.txt',
      COM1: '_COM1',
      'a:b.txt': 'a_b.txt',
      'x. ': 'x',
      'console.log': 'console.log',
    };
    for (const [given, expected] of Object.entries(cases)) assert.equal(safeName(given, 'win32'), expected);
  });

  it('fit a file system, with their extension', () => {
    const name = safeName(`${'ø'.repeat(300)}.pdf`) ?? '';
    assert.ok(Buffer.byteLength(name) <= 200 && name.endsWith('ø.pdf'), name);
    assert.equal(Buffer.byteLength(safeName(`a.${'b'.repeat(300)}`) ?? ''), 200);
  });

  it('are numbered where they are the same to some file system', () => {
    const names = new Names();
    const given = ['a.txt', 'A.txt', 'a.txt', 'a (2).txt', 'b', 'b', 'e\u0301', '\u00e9'];
    assert.deepEqual(
      given.map((name) => names.take(name)),
      ['a.txt', 'A (2).txt', 'a (3).txt', 'a (2) (2).txt', 'b', 'b (2)', 'e\u0301', '\u00e9 (2)'],
    );
  });
});
