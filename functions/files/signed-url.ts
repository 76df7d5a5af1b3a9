import { createHash } from 'node:crypto';
import type { Signer } from '../../shared/storage/signer.ts';

interface SignedUrlOptions {
  /** Scheme and host of the endpoint, such as `https://storage.googleapis.com`. */
  readonly origin: string;
  /** Not encoded: `/BUCKET/OBJECT` in the path style. */
  readonly path: string;
  /** Signed with the rest, so that nobody can change it. */
  readonly query?: Readonly<Record<string, string>>;
  readonly at: Date;
  /** Validity, at most 604800, a week. */
  readonly seconds: number;
}

const ALGORITHM = 'GOOG4-RSA-SHA256';

/**
 * A URL with which anyone who has it can GET one object for a while (V4 signing process with a service account):
 * https://cloud.google.com/storage/docs/authentication/signatures. Only the host is a signed header: who is
 * redirected sends no others of ours.
 * @throws what `signer` throws
 */
export async function signedUrl(signer: Signer, options: SignedUrlOptions): Promise<string> {
  const { origin, path, query = {}, at, seconds } = options;
  const timestamp = at.toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${timestamp.slice(0, 8)}/auto/storage/goog4_request`;
  const canonicalQuery = encodeQuery({
    ...query,
    'X-Goog-Algorithm': ALGORITHM,
    'X-Goog-Credential': `${await signer.email()}/${scope}`,
    'X-Goog-Date': timestamp,
    'X-Goog-Expires': String(seconds),
    'X-Goog-SignedHeaders': 'host',
  });
  const resource = path.split('/').map(encode).join('/');
  // Without the port, as Google's conformance tests have it.
  const { hostname } = new URL(origin);
  const request = ['GET', resource, canonicalQuery, `host:${hostname}`, '', 'host', 'UNSIGNED-PAYLOAD'];
  const digest = createHash('sha256').update(request.join('\n')).digest('hex');
  const signature = await signer.sign([ALGORITHM, timestamp, scope, digest].join('\n'));
  const hex = Buffer.from(signature).toString('hex');
  return `${origin}${resource}?${canonicalQuery}&X-Goog-Signature=${hex}`;
}

/** Sorted by the encoded names (their code points). */
function encodeQuery(query: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(query).map(([name, value]) => [encode(name), encode(value)] as const);
  const sorted = pairs.sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map((pair) => pair.join('=')).join('&');
}

/** All but the unreserved characters of RFC 3986 section 2.3. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
