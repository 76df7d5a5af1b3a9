import { type CorrelationId, parseCorrelationId } from '../../../shared/files/correlation-id.ts';
import { invalidRequest } from '../../../shared/http/problems.ts';

/**
 * @param text undefined where the client sent none
 * @param name what the client calls it, in the way in that it takes
 * @throws {Problem} where it is no correlation id
 */
export function correlationIdOf(
  text: string | string[] | undefined,
  name: string,
): CorrelationId | undefined {
  if (text === undefined) return undefined;
  const id = parseCorrelationId([text].flat().join(', '));
  if (id) return id;
  throw invalidRequest(`${name} should be 1 to 128 printable ASCII characters, without a space at its ends.`);
}
