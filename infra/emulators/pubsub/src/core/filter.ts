import { type Token, tokenize } from './filter-tokens.ts';
import { invalid } from './status.ts';

type Attributes = Readonly<Record<string, string>>;
export type Filter = (attributes: Attributes) => boolean;

/** Longest filter, in bytes of UTF-8 (cloud.google.com/pubsub/docs/subscription-message-filter). */
const longest = 256;

/**
 * Compiles a filter of the Pub/Sub filter language:
 * `attributes:key`, `attributes.key = "v"`, `attributes.key != "v"`, `hasPrefix(attributes.key, "p")`,
 * with AND, OR, NOT or `-`, and parentheses. AND and OR may be mixed only with parentheses, as in the service.
 * `!=` and NOT also match a message that lacks the key. The empty filter matches everything.
 * Throws INVALID_ARGUMENT on anything else.
 * Source: cloud.google.com/pubsub/docs/subscription-message-filter.
 */
export function compileFilter(source: string): Filter {
  if (Buffer.byteLength(source) > longest) throw invalid(`Invalid filter: longer than ${longest} bytes`);
  if (source.trim() === '') return () => true;
  return new Parser(tokenize(source)).parse();
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): Filter {
    const filter = this.#expression();
    if (this.#next().kind !== 'end') throw this.#unexpected();
    return filter;
  }

  #expression(): Filter {
    const first = this.#negation();
    const operator = this.#peek().kind === 'word' ? this.#peek().text : '';
    if (operator !== 'AND' && operator !== 'OR') return first;
    const operands = [first];
    while (this.#accept('word', operator)) operands.push(this.#negation());
    if (this.#peek().kind === 'word') {
      throw invalid('Invalid filter: combine AND and OR with parentheses only');
    }
    return operator === 'AND'
      ? (attributes) => operands.every((operand) => operand(attributes))
      : (attributes) => operands.some((operand) => operand(attributes));
  }

  #negation(): Filter {
    if (!this.#accept('word', 'NOT') && !this.#accept('symbol', '-')) return this.#operand();
    const inner = this.#negation();
    return (attributes) => !inner(attributes);
  }

  #operand(): Filter {
    if (this.#accept('symbol', '(')) {
      const inner = this.#expression();
      this.#expect('symbol', ')');
      return inner;
    }
    return this.#accept('word', 'hasPrefix') ? this.#prefix() : this.#comparison();
  }

  #prefix(): Filter {
    this.#expect('symbol', '(');
    this.#expect('word', 'attributes');
    this.#expect('symbol', '.');
    const key = this.#key();
    this.#expect('symbol', ',');
    const prefix = this.#literal();
    this.#expect('symbol', ')');
    return (attributes) => attribute(attributes, key)?.startsWith(prefix) ?? false;
  }

  #comparison(): Filter {
    this.#expect('word', 'attributes');
    if (this.#accept('symbol', ':')) {
      const key = this.#key();
      return (attributes) => attribute(attributes, key) !== undefined;
    }
    this.#expect('symbol', '.');
    const key = this.#key();
    const negated = this.#accept('symbol', '!=');
    if (!negated) this.#expect('symbol', '=');
    const value = this.#literal();
    return (attributes) => (attribute(attributes, key) === value) !== negated;
  }

  #key(): string {
    const token = this.#next();
    if (token.kind !== 'word' && token.kind !== 'string') throw this.#unexpected();
    return token.text;
  }

  #literal(): string {
    const token = this.#next();
    if (token.kind !== 'string') throw this.#unexpected();
    return token.text;
  }

  #accept(kind: Token['kind'], text: string): boolean {
    const token = this.#peek();
    if (token.kind !== kind || token.text !== text) return false;
    this.#at++;
    return true;
  }

  #expect(kind: Token['kind'], text: string): void {
    if (this.#accept(kind, text)) return;
    this.#at++;
    throw this.#unexpected(`, expected ${text}`);
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: 'end of filter' };
  }

  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  #unexpected(hint = '') {
    const token = this.#tokens[this.#at - 1];
    return invalid(`Invalid filter: unexpected ${token?.text ?? 'end of filter'}${hint}`);
  }
}

const attribute = (attributes: Attributes, key: string): string | undefined =>
  Object.hasOwn(attributes, key) ? attributes[key] : undefined;
