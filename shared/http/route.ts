/** Parts of our paths that are the same for every request. */
const WORDS: ReadonlySet<string> = new Set(
  `files uploads resumable direct status verdict rescan viewers receipts references schemas problems openapi.json asyncapi.json
   .well-known jwks.json sweep collect redrive dead-letters release condemn quarantine content hunt audit
   rescans pause resume cancel export expiration intake notice deployment adopt`.split(/\s+/),
);
/** The longest has four parts, of which the last may be anything. */
const PARTS = 4;

/**
 * The route of a path for the names of spans, such as `/files/{}/status`; undefined where its first part is none of ours. Parts
 * that a client may choose are left out.
 * https://opentelemetry.io/docs/specs/semconv/http/http-spans/#name
 */
export function routeOf(path: string): string | undefined {
  const [, first = '', ...others] = path.split('/', PARTS + 1);
  if (first === '') return path === '/' ? '/' : undefined;
  if (!WORDS.has(first)) return undefined;
  return ['', first, ...others.map((part) => (WORDS.has(part) ? part : '{}'))].join('/');
}
