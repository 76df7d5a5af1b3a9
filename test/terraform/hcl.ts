/** A block of a file in terraform's canonical format (`terraform fmt`): where it stands, and what is in it. */
export interface Block {
  /** `resource`, `variable`, `startup_probe`. */
  readonly kind: string;
  readonly labels: readonly string[];
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Blocks of a kind at any depth. Canonical indentation tells where each ends. */
export function blocksOf(text: string, kind: string): readonly Block[] {
  const pattern = new RegExp(`^( *)${kind}((?: "[^"]*")*) \\{\\n[\\s\\S]*?^\\1\\}\\n`, 'gm');
  return [...text.matchAll(pattern)].map((match) => ({
    kind,
    labels: [...(match[2] ?? '').matchAll(/"([^"]*)"/g)].map(([, label = '']) => label),
    text: match[0],
    start: match.index,
    end: match.index + match[0].length,
  }));
}

/** The expression of an argument at the first level of a top-level block; undefined where there is none. */
export function argumentOf(block: Block, name: string): string | undefined {
  const [, expression] =
    new RegExp(`^  ${name} += ([\\s\\S]*?)\\n(?=  \\S|\\})(?!  [\\]\\})])`, 'm').exec(block.text) ?? [];
  return expression;
}

/** Text without a block. */
export function without(text: string, { start, end }: Pick<Block, 'start' | 'end'>): string {
  return text.slice(0, start) + text.slice(end);
}
