import { invalid } from '../api-error.ts';
import type { StoredObject } from './stored-object.ts';

interface Destination {
  readonly bucket: string;
  readonly name: string;
}

/** A token says how far which rewrite has come; it holds for this source generation and destination alone. */
export function nextToken(rewritten: number, from: StoredObject, to: Destination): string {
  return Buffer.from(JSON.stringify([rewritten, ...identity(from, to)])).toString('base64url');
}

/** @returns bytes; 0 without a token. @throws ApiError 400 for a token of another rewrite */
export function rewrittenSoFar(token: string | null, from: StoredObject, to: Destination): number {
  if (token === null || token === '') return 0;
  const [bytes, ...named] = parse(token);
  const expected = identity(from, to);
  if (typeof bytes !== 'number' || !expected.every((value, at) => value === named[at])) {
    throw invalid('Invalid value for: rewriteToken');
  }
  return bytes;
}

function parse(token: string): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

const identity = (from: StoredObject, to: Destination): (string | number)[] => [
  from.bucket,
  from.name,
  from.generation,
  to.bucket,
  to.name,
];
