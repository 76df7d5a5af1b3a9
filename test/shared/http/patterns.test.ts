import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { parseSync, Visitor } from 'oxc-parser';
import { isSafe } from 'redos-detector';

/** Patterns that are not found safe, and why they are still safe. A pattern that is safe does not stay here. */
const KNOWN: Readonly<Record<string, string>> = {
  '^(localhost|.+\\.localhost|127\\.\\d+\\.\\d+\\.\\d+|0\\.0\\.0\\.0|\\[::1?\\]|\\[::ffff:7f.*\\])\\.?$':
    'host names of the configuration and of trusted issuers, which URL has parsed',
  '\\/+$': 'the configuration',
  '\\[([^[\\]]+)\\]\\([^()]+\\)': 'the explanations of problems, which are constants',
  '\\+zip$|\\/vnd\\.(openxmlformats-officedocument|oasis\\.opendocument|sun\\.xml|apple|google-earth\\.kmz|ms-[a-z]+\\.[a-z.]*macroenabled|ms-xpsdocument|visio|android\\.package|etsi\\.asic)|\\/(java-archive|x-java-archive|x-xpinstall|oxps|3mf|x-zip-compressed)':
    'media types, of at most 255 characters',
};

/** Every regular expression that the service is written with. */
function patterns(): Map<string, { file: string; regex: RegExp }> {
  const found = new Map<string, { file: string; regex: RegExp }>();
  for (const file of globSync('{shared,functions}/**/*.ts')) {
    const { program } = parseSync(file, readFileSync(file, 'utf8'));
    const visitor = new Visitor({
      Literal(node) {
        if (!('regex' in node)) return;
        const { pattern, flags } = node.regex;
        found.set(pattern, { file, regex: new RegExp(pattern, flags) });
      },
    });
    visitor.visit(program);
  }
  return found;
}

describe('regular expressions of the service', () => {
  const found = patterns();

  it('are found in its source', () => {
    assert.ok(found.size > 50, `${found.size} found`);
  });

  for (const [pattern, { file, regex }] of found) {
    const known = KNOWN[pattern];
    it(`${file}: /${pattern.slice(0, 60)}/ ${known ? `backtracks: ${known}` : 'never backtracks far'}`, () => {
      assert.equal(isSafe(regex).safe, known === undefined);
    });
  }

  it('are known for what they are only as long as they are there', () => {
    assert.deepEqual(
      Object.keys(KNOWN).filter((pattern) => !found.has(pattern)),
      [],
    );
  });
});
