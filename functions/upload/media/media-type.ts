import { format, parse } from 'content-type';

const MAX_LENGTH = 255;
/** A name that can be registered (RFC 6838 section 4.2), which a range of Accept cannot. */
const NAME = /[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/.source;
const TYPE = new RegExp(`^${NAME}/${NAME}$`);
const PARAMETER = new RegExp(`^${NAME}$`);
const VALUE = /^[\x20-\x7e]+$/;

/**
 * A Content-Type as it may be stored and sent again (RFC 9110 section 8.3), `application/octet-stream` where
 * none was sent.
 * @returns undefined where it is not one: it is no media type, or a parameter has no name, no value or one that is
 *   not printable ASCII
 */
export function mediaTypeOf(header: string | undefined): string | undefined {
  if (header === undefined || header.trim() === '') return 'application/octet-stream';
  if (header.length > MAX_LENGTH) return undefined;
  const { type, parameters } = parse(header);
  const sound = Object.entries(parameters).every(
    ([name, value]) => PARAMETER.test(name) && VALUE.test(value),
  );
  return TYPE.test(type) && sound ? format({ type, parameters }) : undefined;
}
