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

/** Words that follow "own" only if it has no noun: "the digest of its own content" is fine. */
const NO_NOUN =
  '$|[.,;:)]| (?:and|or|but|for|that|which|who|so|until|unless|to|here|there|where|in|on|at|as|with|without|over|from|by|after|has|have|had|is|are|was|were|may|needs|once|when|if)\\b';

/** Words that readers may not know in this sense, and the usual ones. */
const WORDS: readonly (readonly [word: RegExp, instead: string])[] = [
  [/\bmend(?:s|ed|ing)?\b/gi, 'fix, repair, correct'],
  [/\b(?:go|goes|going|gone|went) on with\b/gi, 'continue'],
  [/\bby (?:itself|themselves)\b/gi, 'automatically, alone'],
  [/\ball the same\b/gi, 'still, anyway'],
  [/\b(?:is|are|was|were|be|been|being) said\b/gi, 'is published, is declared, is reported'],
  [
    new RegExp(`\\bof (?:its|their|his|her|our|your|my|one's) own(?=${NO_NOUN})`, 'gi'),
    'its own …, a separate …',
  ],
  [/\bl(?:ie|ies|ying)\b/gi, 'is, is stored'],
  [/\b(?:who|whom)(?:so)?ever\b/gi, 'anyone who, the caller'],
];

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
  ...WORDS.map(([word, instead]) => ({
    name: `has a word to avoid (better: ${instead})`,
    find: ({ text }: Passage) => [...text.matchAll(word)].map(([found]) => `"${found}" in: ${text}`),
  })),
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
