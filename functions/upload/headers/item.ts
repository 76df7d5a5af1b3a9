import { parseItem } from 'structured-headers';
import { MAX_FIELD_LENGTH } from '../../../shared/http/list.ts';

/** The value of a structured field that is an item (RFC 9651 section 3.3); undefined where it is none, or too long to be meant. */
export function itemIn(header: string | string[] | undefined): unknown {
  if (typeof header !== 'string' || header.length > MAX_FIELD_LENGTH) return undefined;
  try {
    return parseItem(header)[0];
  } catch {
    return undefined;
  }
}
