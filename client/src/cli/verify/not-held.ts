/** The service did something else than it promises. */
export class NotHeld extends Error {
  override readonly name = 'NotHeld';
  readonly expected: string;
  readonly got: string;
  /** The setting or grant to look at first, if the answer tells. */
  readonly hint: string | undefined;

  constructor(expected: string, got: string, hint?: string) {
    super(`expected ${expected}, got ${got}`);
    this.expected = expected;
    this.got = got;
    this.hint = hint;
  }
}

/** The check cannot be made; the message says why. */
export class NotChecked extends Error {
  override readonly name = 'NotChecked';
}

/** @throws {NotHeld} where they differ */
export function mustBe(
  what: string,
  actual: string | number | boolean | null | undefined,
  expected: string | number | boolean,
  hint?: string,
): void {
  if (actual !== expected) throw new NotHeld(`${what} ${expected}`, `${actual ?? 'none'}`, hint);
}
