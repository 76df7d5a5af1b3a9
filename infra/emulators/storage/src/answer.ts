/** A stretch of a stored content: `length` bytes from byte `first`. */
export interface MediaSlice {
  /** Undefined for an empty object, which has no data file. */
  readonly content: string | undefined;
  readonly first: number;
  readonly length: number;
}

/** The answer of a handler, before faults are applied and anything is sent. */
export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body?: string;
  readonly media?: MediaSlice;
}

export function json(status: number, value: object): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=UTF-8' },
    body: JSON.stringify(value),
  };
}

export function empty(status: number, headers: Record<string, string> = {}): Answer {
  return { status, headers, body: '' };
}
