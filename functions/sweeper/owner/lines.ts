import type { Hash } from 'node:crypto';
import { invalidRequest } from '../../../shared/http/problems.ts';
import type { BorrowedBytes } from '../../../shared/runtime/memory.ts';

/** Characters: more are no line of ours. */
const LONGEST = 32_768;

/**
 * The lines of a stream, which a hash sees go by as they are.
 * @throws {Problem} for a line that is too long
 */
export async function* linesOf(
  body: AsyncIterable<BorrowedBytes>,
  hash: Hash,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of body) {
    hash.update(piece);
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST) throw invalidRequest('The list has a line that is too long.');
    for (const line of lines) if (line !== '') yield line;
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}
