import { parse } from 'content-type';
import * as v from 'valibot';
import { Problem } from '../../../shared/http/problems.ts';

/** Which types of files a deployment takes. */
export interface MediaPolicy {
  /** Lower-case media ranges: `image/png`, `image/*`, or `*` for both parts. Empty: every type. */
  readonly allowed: readonly string[];
  /** Wins over what is allowed. */
  readonly denied: readonly string[];
  /** Whether the bytes are looked at, and a type that they contradict is refused. */
  readonly sniff: boolean;
}

const TOKEN = /[!#$%&'+.^_`|~0-9a-z-]+/.source;
const RANGE = new RegExp(`^(\\*/\\*|${TOKEN}/(\\*|${TOKEN}))$`);

/** Media ranges (RFC 9110 section 12.5.1) in a variable of the environment, separated by commas. */
export const mediaRanges = v.pipe(
  v.string(),
  v.toLowerCase(),
  v.transform((text) =>
    text
      .split(',')
      .map((range) => range.trim())
      .filter(Boolean),
  ),
  v.array(v.pipe(v.string(), v.regex(RANGE, 'should be media types such as image/png or image/*'))),
);

/** @throws {Problem} `media-type-not-allowed` where the policy does not take the type that a client declared */
export function requireAllowed(policy: MediaPolicy, contentType: string): void {
  const type = essence(contentType);
  if (isDenied(policy, type)) throw notAllowed(policy, `This service does not take ${type}.`);
  if (policy.allowed.length === 0 || policy.allowed.some((range) => includes(range, type))) return;
  throw notAllowed(policy, `This service does not take ${type}; it takes ${policy.allowed.join(', ')}.`);
}

/** @throws {Problem} `media-type-not-allowed` where the bytes are of a type that is denied, whatever was declared */
export function requireNotDenied(policy: MediaPolicy, found: string): void {
  if (!isDenied(policy, found)) return;
  throw notAllowed(policy, `The bytes are ${found}, which this service does not take.`);
}

/** Type and subtype in lower case, without parameters. */
export function essence(contentType: string): string {
  return parse(contentType).type;
}

function isDenied({ denied }: MediaPolicy, type: string): boolean {
  return denied.some((range) => includes(range, type));
}

function includes(range: string, type: string): boolean {
  return range === '*/*' || range === type || (range.endsWith('/*') && type.startsWith(range.slice(0, -1)));
}

/** RFC 9110 section 15.5.16: `Accept` may say what would be taken. */
function notAllowed({ allowed }: MediaPolicy, detail: string): Problem {
  const headers = allowed.length > 0 ? { accept: allowed.join(', ') } : {};
  return new Problem('media-type-not-allowed', { detail, headers });
}
