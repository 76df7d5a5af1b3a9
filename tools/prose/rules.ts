import type { Passage } from './passage.ts';

interface Finding {
  readonly file: string;
  readonly line: number;
  /** Completes the sentence "The passage …". */
  readonly rule: string;
  /** The part of the passage that breaks the rule. */
  readonly found: string;
}

interface Rule {
  readonly name: string;
  find(passage: Passage): string[];
}

const PREPOSITION = new RegExp(
  `^(?:${[
    'of|in|on|at|for|from|by|with|without|to|as|like|per|between|through|under|over|within|against|about|into|among',
    'beside|besides|behind|above|below|beyond|around|near|upon|towards?|across|along|out|off|up|down',
    'since|until|after|before|during|despite|except|instead of|because of',
  ].join('|')})\\b`,
  'i',
);

const RULES: readonly Rule[] = [
  {
    name: 'begins with a headless Who, Whose or What',
    // A heading may be a phrase, as long as no sentence follows from it.
    find: ({ text, kind }) =>
      kind === 'heading'
        ? []
        : sentences(text).filter(
            (sentence) =>
              /^(?:who|whom|whose|what|whoever|whatever)\b/i.test(sentence) &&
              !sentence.endsWith('?') &&
              (kind === 'title' || /^\p{Lu}/u.test(sentence)),
          ),
  },
  {
    name: 'is a doc comment that begins with a preposition',
    find: ({ text, kind }) => (kind === 'doc comment' && PREPOSITION.test(text) ? [text] : []),
  },
];

export function findingsIn(passage: Passage): Finding[] {
  const { file, line } = passage;
  return RULES.flatMap(({ name, find }) => find(passage).map((found) => ({ file, line, rule: name, found })));
}

/** Ends a sentence at a full stop, question mark or colon that a capital letter or CODE follows. */
function sentences(text: string): string[] {
  return text
    .split(/(?<=[.?!:][)"”’]?) +(?=["“‘(]?\p{Lu})/u)
    .map((sentence) => sentence.replace(/^["“‘(]/, ''));
}
