import assert from 'node:assert/strict';
import { passagesOf } from '../../tools/prose/extract.ts';
import { findingsIn } from '../../tools/prose/rules.ts';

/** The findings in a file of that name, as `line: rule`. */
function findings(file: string, source: string): string[] {
  return passagesOf(file, () => source)
    .flatMap(findingsIn)
    .map(({ line, rule }) => `${line}: ${rule}`);
}

const HEADLESS = 'begins with a headless Who, Whose or What';
const PREPOSITION = 'is a doc comment that begins with a preposition';

describe('English check', () => {
  describe('finds a headless sentence', () => {
    for (const [where, file, source, line] of [
      ['a paragraph', 'a.md', '# Title\n\nFine. What is\nleft is kept.\n', 3],
      ['an item of a list', 'a.md', '- Fine.\n- What is left is kept.\n', 2],
      ['a cell of a table', 'a.md', '| a | b |\n|---|---|\n| x | What x does. |\n', 3],
      ['a doc comment', 'a.ts', '\n/**\n * Who may call.\n */\nexport const a = 1;\n', 3],
      ['a tag of a doc comment', 'a.ts', '/**\n * Sums.\n * @param b What is added.\n */\n', 3],
      ['line comments', 'a.mjs', 'const a = 1;\n// Fine, and so on.\n// Whose it is stays unknown.\n', 2],
      [
        'the title of a test',
        'test/a.test.ts',
        "describe('a', () => {\n  it('what is left', () => {});\n});",
        2,
      ],
      [
        'a template of a title',
        'test/a.test.ts',
        `for (const x of xs) it(\`whatever \${x} does\`, () => {});`,
        1,
      ],
      ['a comment of a script', 'a.sh', '#!/bin/bash\n# What is left.\n', 2],
      ['a description in Terraform', 'a.tf', 'variable "a" {\n  description = "Whom it serves."\n}\n', 2],
      [
        'a description of the contract',
        'openapi.yaml',
        'info:\n  description: |\n    Fine.\n\n    What is left.\n',
        4,
      ],
      ['a message', 'shared/a.ts', "const a = 1; // it's\nthrow new Error('What is left is kept.');", 2],
      ['a summary of the contract', 'openapi.yaml', 'get:\n  summary: Who may view a file\n', 2],
    ] as const) {
      it(`in ${where}`, () => assert.deepEqual(findings(file, source), [`${line}: ${HEADLESS}`]));
    }
  });

  describe('finds a doc comment that begins with a preposition', () => {
    for (const text of [
      'Of a few KiB each.',
      'As the client named it.',
      'Instead of the name.',
      'without folders',
    ]) {
      it(text, () => {
        assert.deepEqual(findings('a.ts', `/** ${text} */\nexport const a = 1;`), [`1: ${PREPOSITION}`]);
      });
    }
  });

  describe('finds a word to avoid', () => {
    for (const text of [
      'Mend the header.',
      'The client goes on with it.',
      'It ends by itself.',
      'It is kept all the same.',
      'The length is said later.',
      'Each has a name of its own.',
      'Functions with accounts of their own are apart.',
      'The bytes lie beside it.',
      'Given to whoever asks.',
    ]) {
      it(`in "${text}"`, () => {
        const [found, ...others] = findings('a.md', text);
        assert.match(found ?? '', /^1: has a word to avoid/);
        assert.deepEqual(others, []);
      });
    }
  });

  describe('accepts', () => {
    for (const [what, file, source] of [
      ['a question', 'a.md', 'What if the process dies?\n'],
      ['a clause in the middle', 'a.md', 'Says what it does. Tell who called.\n'],
      ['code in Markdown', 'a.md', '```sh\nWhat is left.\n```\n\nSee `What is left`.\n'],
      ['strings of tests', 'a.ts', "const a = 'What is left.';\n"],
      ['a heading', 'a.md', '## What is checked\n'],
      ['a preposition in a line comment', 'a.ts', '// For the rest of the file.\nconst a = 1;\n'],
      ['a preposition in a tag', 'a.ts', '/**\n * Sums.\n * @param b in bytes\n */\n'],
      ['words that begin like one', 'a.ts', '/** Information; atomic. */\n'],
      ['"of its own" before a noun', 'a.md', 'The digest of its own content. A key of their own location.\n'],
      ['a word to avoid in code', 'a.md', 'The field `lies`.\n'],
      ['files of other types', 'a.json', '{ "a": "What is left." }'],
    ] as const) {
      it(what, () => assert.deepEqual(findings(file, source), []));
    }
  });
});
