/** Text that people read, as one block: a paragraph, a comment, a title. */
export interface Passage {
  readonly file: string;
  /** Number of the first line of the text; counted from 1. */
  readonly line: number;
  readonly kind: 'paragraph' | 'heading' | 'doc comment' | 'comment' | 'title' | 'description' | 'message';
  /** Text without markup. Code is replaced by `CODE`. */
  readonly text: string;
}
