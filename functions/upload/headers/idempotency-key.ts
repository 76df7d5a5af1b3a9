import { invalidRequest } from '../../../shared/http/problems.ts';
import { itemIn } from './item.ts';

const KEY = /^[\x20-\x7e]{1,255}$/;
/** Key without quotes, as many clients send it: what no list, parameter or quoted string could be mistaken for. */
const BARE = /^[!#-+\--:<-[\]-~]{1,255}$/;

/**
 * The key of an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a structured string, or the same
 * without its quotes. Undefined where there is none.
 * @throws {Problem} where it is neither, or is not of 1 to 255 printable characters of ASCII
 */
export function idempotencyKeyOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  const text = [header].flat().join(', ').trim();
  const key = BARE.test(text) ? text : itemIn(text);
  if (typeof key === 'string' && KEY.test(key)) return key;
  throw invalidRequest(
    'The Idempotency-Key is not one string of 1 to 255 printable ASCII characters in double quotes.',
  );
}
